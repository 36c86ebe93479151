using System.Buffers;
using System.Runtime.InteropServices;

namespace KernelTune.Checkpoints;

/// <summary>Reads numbers of any format out of a file, through a buffer of bounded size.</summary>
internal static class EncodedReader
{
    private const int BufferBytes = 1 << 18;

    /// <summary>
    /// <paramref name="into"/> = the numbers from element <paramref name="first"/> on of the weight that begins at <paramref name="offset"/>.
    /// First and count must lie on block boundaries.
    /// </summary>
    public static void ReadF32(SourceFile file, WeightInfo info, long offset, long first, Span<float> into)
    {
        var format = info.Format;
        if (!format.CanDecode)
            throw new CheckpointException(file.Path, $"its type {format.Name} was found, real numbers of a supported type wanted", offset, info.Name);
        if (first % format.BlockElements != 0 || into.Length % format.BlockElements != 0)
            throw new CheckpointException(
                file.Path, $"elements [{first}, {first + into.Length}) are no whole blocks of {format.BlockElements} ({format.Name})", offset, info.Name);

        var at = offset + (first / format.BlockElements * format.BlockBytes);
        if (ReferenceEquals(format, WeightFormats.F32))
        {
            file.ReadExactly(at, MemoryMarshal.AsBytes(into), info.Name);
            return;
        }

        var blocksAtOnce = BufferBytes / format.BlockBytes;
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(BufferBytes, into.Length / format.BlockElements * (long)format.BlockBytes));
        try
        {
            while (!into.IsEmpty)
            {
                var elements = Math.Min(into.Length, blocksAtOnce * format.BlockElements);
                var bytes = buffer.AsSpan(0, elements / format.BlockElements * format.BlockBytes);
                file.ReadExactly(at, bytes, info.Name);
                format.Decode(bytes, into[..elements]);
                into = into[elements..];
                at += bytes.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Checks that rows exist and that the caller's span has their size; gives the elements of one row.</summary>
    public static long CheckRows(string location, WeightInfo info, long rowStart, long rowCount, long given, bool asBytes)
    {
        if (rowStart < 0 || rowCount < 0 || rowStart > info.Rows - rowCount)
            throw new CheckpointException(location, $"rows [{rowStart}, {rowStart + rowCount}) wanted, it is {info.ShapeText}", tensor: info.Name);
        var row = info.RowElements;
        long wanted;
        if (!asBytes)
            wanted = row * rowCount;
        else if (!info.Format.TryBytes(row * rowCount, out wanted))
            throw new CheckpointException(
                location, $"rows of {row} elements are no whole blocks of {info.Format.BlockElements} ({info.Format.Name})", tensor: info.Name);
        if (given != wanted)
            throw new CheckpointException(
                location,
                $"{rowCount} rows of {info.ShapeText} are {wanted} {(asBytes ? "bytes" : "elements")}, a span of {given} was given",
                tensor: info.Name);
        return row;
    }
}
