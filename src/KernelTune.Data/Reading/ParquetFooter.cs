using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace KernelTune.Data.Reading;

/// <summary>
/// Whether a Parquet file's footer is whole: the library behind the reader takes a damaged one for an endless one. Only the structure is looked at: fields of Thrift's compact protocol,
/// each within the footer.
/// </summary>
internal static class ParquetFooter
{
    private const int TailBytes = 8;        // the footer's length, and "PAR1"
    private const int DeepestStruct = 32;

    /// <exception cref="InvalidDataException">It is not.</exception>
    public static void Check(SafeFileHandle file)
    {
        long length = RandomAccess.GetLength(file);
        Span<byte> tail = stackalloc byte[TailBytes];
        if (length < 4 + TailBytes || RandomAccess.Read(file, tail, length - TailBytes) != TailBytes || !tail.EndsWith("PAR1"u8)) throw new InvalidDataException("the end is missing");
        long size = BinaryPrimitives.ReadUInt32LittleEndian(tail);
        if (size == 0 || size > length - 4 - TailBytes) throw new InvalidDataException($"a footer of {size} bytes");
        byte[] footer = new byte[size];
        if (RandomAccess.Read(file, footer, length - TailBytes - size) != size) throw new InvalidDataException("the footer ends too early");
        int at = 0;
        if (!Struct(footer, ref at, 0)) throw new InvalidDataException($"the footer is damaged at byte {length - TailBytes - size + at}");
    }

    private static bool Struct(ReadOnlySpan<byte> bytes, ref int at, int depth)
    {
        if (depth > DeepestStruct) return false;
        while (at < bytes.Length)
        {
            byte head = bytes[at++];
            if (head == 0) return true;
            if (head >> 4 == 0 && !Number(bytes, ref at, out _)) return false;
            if (!Value(bytes, ref at, head & 15, depth, inList: false)) return false;
        }

        return false;
    }

    private static bool Value(ReadOnlySpan<byte> bytes, ref int at, int type, int depth, bool inList)
    {
        switch (type)
        {
            case 1 or 2: return !inList || Skip(bytes, ref at, 1);
            case 3: return Skip(bytes, ref at, 1);
            case 4 or 5 or 6: return Number(bytes, ref at, out _);
            case 7: return Skip(bytes, ref at, 8);
            case 8: return Number(bytes, ref at, out ulong length) && length <= int.MaxValue && Skip(bytes, ref at, (int)length);
            case 9 or 10:
                if (at >= bytes.Length) return false;
                byte head = bytes[at++];
                ulong count = (ulong)head >> 4;
                if (count == 15 && !Number(bytes, ref at, out count)) return false;
                if (count > (ulong)(bytes.Length - at)) return false;
                for (ulong i = 0; i < count; i++)
                    if (!Value(bytes, ref at, head & 15, depth + 1, inList: true)) return false;
                return true;
            case 12: return Struct(bytes, ref at, depth + 1);
            default: return false;
        }
    }

    private static bool Skip(ReadOnlySpan<byte> bytes, ref int at, int count)
    {
        if (count > bytes.Length - at) return false;
        at += count;
        return true;
    }

    private static bool Number(ReadOnlySpan<byte> bytes, ref int at, out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 70 && at < bytes.Length; shift += 7)
        {
            byte b = bytes[at++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80) return true;
        }

        return false;
    }
}

/// <summary>A file whose end is an error: readers that do not look whether a byte came would go on for ever.</summary>
internal sealed class EndedStream(FileStream file) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => file.Length;

    public override long Position
    {
        get => file.Position;
        set => file.Position = value;
    }

    public override int ReadByte() => file.ReadByte() is >= 0 and var read ? read : throw End();

    public override int Read(byte[] buffer, int offset, int count) => Some(file.Read(buffer, offset, count), count);

    public override int Read(Span<byte> buffer) => Some(file.Read(buffer), buffer.Length);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Some(await file.ReadAsync(buffer, cancellationToken).ConfigureAwait(false), buffer.Length);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) => file.Seek(offset, origin);

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) file.Dispose();
        base.Dispose(disposing);
    }

    private static int Some(int read, int wanted) => read > 0 || wanted == 0 ? read : throw End();

    private static EndOfStreamException End() => new("the file ends too early");
}
