using System.Buffers;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Checkpoints;

/// <summary>A tensor that is to be saved: what it is, and a call that hands over its numbers when its turn comes, so that memory stays bounded.</summary>
public sealed class TensorToSave
{
    /// <param name="name">Its name in the file.</param>
    /// <param name="format">How it is stored.</param>
    /// <param name="shape">Outermost dimension first.</param>
    /// <param name="write">Hands all its numbers to the sink, front to back.</param>
    /// <param name="origin">The files that <paramref name="write"/> reads, if any: they are not saved over.</param>
    /// <exception cref="ArgumentException">The shape is negative, overflows or is no whole number of blocks.</exception>
    public TensorToSave(string name, WeightFormat format, IReadOnlyList<long> shape, Action<TensorSink> write, IReadOnlyList<string>? origin = null)
    {
        ArgumentNullException.ThrowIfNull(format);
        Name = name;
        Format = format;
        Shape = [.. shape];
        Write = write;
        Origin = origin ?? [];
        var elements = 1L;
        foreach (var n in Shape)
            elements = n >= 0 ? checked(elements * n) : throw new ArgumentException($"tensor {name}: shape {WeightInfo.ShapeToText(Shape)}", nameof(shape));
        if (!format.TryBytes(elements, out var bytes))
            throw new ArgumentException($"tensor {name}: {WeightInfo.ShapeToText(Shape)} is no whole number of {format.Name} blocks", nameof(shape));
        Bytes = bytes;
    }

    public TensorToSave(string name, DType type, IReadOnlyList<long> shape, Action<TensorSink> write)
        : this(name, WeightFormats.Of(type), shape, write)
    {
    }

    public string Name { get; }

    public WeightFormat Format { get; }

    public long[] Shape { get; }

    public long Bytes { get; }

    internal Action<TensorSink> Write { get; }

    internal IReadOnlyList<string> Origin { get; }

    /// <summary>Float32 values at hand, stored as <paramref name="type"/>.</summary>
    public static TensorToSave Of(string name, IReadOnlyList<long> shape, ReadOnlyMemory<float> values, DType type = DType.F32) =>
        new(name, type, shape, sink => sink.Write(values.Span));

    /// <summary>Bytes at hand, in the format that they are stored in.</summary>
    public static TensorToSave Raw(string name, WeightFormat format, IReadOnlyList<long> shape, ReadOnlyMemory<byte> bytes) =>
        new(name, format, shape, sink => sink.WriteRaw(bytes.Span));

    /// <summary>
    /// A weight of <paramref name="source"/>, read a few rows at a time: its bytes as they are, or its numbers in another
    /// <paramref name="format"/>.
    /// </summary>
    public static TensorToSave Copy(IWeightSource source, string name, WeightFormat? format = null, string? newName = null)
    {
        var info = source.Get(name);
        var target = format ?? info.Format;
        return new TensorToSave(newName ?? name, target, info.Shape, sink => CopyRows(source, info, ReferenceEquals(target, info.Format), sink), source.Files);
    }

    private static void CopyRows(IWeightSource source, WeightInfo info, bool asBytes, TensorSink sink)
    {
        const long piece = 1 << 20;
        if (info.Elements == 0)
            return;
        var rowSize = asBytes ? info.Bytes / info.Rows : info.RowElements;
        var rowsAtOnce = Math.Clamp(piece / Math.Max(rowSize, 1), 1, info.Rows);
        if (rowSize * rowsAtOnce > Array.MaxLength)
            throw new CheckpointException(source.Location, $"one row of {info.ShapeText} does not fit an array", tensor: info.Name);
        if (asBytes)
            CopyRaw(source, info, rowSize, rowsAtOnce, sink);
        else
            CopyF32(source, info, rowSize, rowsAtOnce, sink);
    }

    private static void CopyRaw(IWeightSource source, WeightInfo info, long rowSize, long rowsAtOnce, TensorSink sink)
    {
        var buffer = ArrayPool<byte>.Shared.Rent((int)(rowSize * rowsAtOnce));
        for (var row = 0L; row < info.Rows; row += rowsAtOnce)
        {
            var count = Math.Min(rowsAtOnce, info.Rows - row);
            var rows = buffer.AsSpan(0, (int)(count * rowSize));
            source.ReadRawRows(info.Name, row, count, rows);
            sink.WriteRaw(rows);
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    private static void CopyF32(IWeightSource source, WeightInfo info, long rowSize, long rowsAtOnce, TensorSink sink)
    {
        var buffer = ArrayPool<float>.Shared.Rent((int)(rowSize * rowsAtOnce));
        for (var row = 0L; row < info.Rows; row += rowsAtOnce)
        {
            var count = Math.Min(rowsAtOnce, info.Rows - row);
            var rows = buffer.AsSpan(0, (int)(count * rowSize));
            source.ReadF32Rows(info.Name, row, count, rows);
            sink.Write(rows);
        }

        ArrayPool<float>.Shared.Return(buffer);
    }
}
