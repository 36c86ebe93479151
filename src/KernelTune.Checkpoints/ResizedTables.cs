using System.Buffers;
using System.Collections.Concurrent;

namespace KernelTune.Checkpoints;

/// <summary>
/// A source whose token tables have more rows than it stores. A row that is new is the mean of the rows that tokens had: what Transformers' resize_token_embeddings draws around
/// (mean_resizing: a normal distribution about it whose covariance is a billionth of the old rows'), without the draw.
/// </summary>
/// <param name="origin">The source; it stays its owner's.</param>
/// <param name="tables">The names of tables [rows, …] and of a head's bias [rows].</param>
/// <param name="rows">How many rows they have, at least as many as are stored.</param>
/// <param name="tokens">How many of the stored rows, from the first, are tokens': the mean is theirs.</param>
/// <param name="spare">Stored rows that no token had, and that begin as the mean too.</param>
public sealed class ResizedTables(IWeightSource origin, IEnumerable<string> tables, int rows, int tokens, Range spare) : IWeightSource
{
    private const int PieceElements = 1 << 18;

    private readonly HashSet<string> tables = [.. tables.Where(t => origin.TryGet(t, out _))];
    private readonly ConcurrentDictionary<string, float[]> means = new(StringComparer.Ordinal);

    public string Location => origin.Location;

    public IReadOnlyList<string> Files => origin.Files;

    public string NativeDType => origin.NativeDType;

    public IReadOnlyList<string> Names => origin.Names;

    /// <summary>Where a weight comes from as it is stored: for all but the tables the source below a resized one.</summary>
    public static IWeightSource Stored(IWeightSource source, string name) => source is ResizedTables resized && !resized.tables.Contains(name) ? resized.Below : source;

    public bool TryGet(string name, out WeightInfo info)
    {
        if (!origin.TryGet(name, out info))
            return false;
        if (!tables.Contains(name))
            return true;
        // Blocks that no encoder writes become numbers.
        var format = info.Format is { Scalar: not null, CanDecode: true, CanEncode: true } ? info.Format : WeightFormats.F32;
        long[] shape = [rows, .. info.Shape.AsSpan(1)];
        format.TryBytes(shape.Aggregate(1L, (a, b) => checked(a * b)), out long bytes);
        info = new WeightInfo(name, format, shape, bytes);
        return true;
    }

    public void ReadF32(string name, Span<float> into)
    {
        if (tables.Contains(name))
            ReadF32Rows(name, 0, rows, into);
        else
            origin.ReadF32(name, into);
    }

    public void ReadF32Rows(string name, long rowStart, long rowCount, Span<float> into)
    {
        if (!tables.Contains(name))
        {
            origin.ReadF32Rows(name, rowStart, rowCount, into);
            return;
        }
        var stored = origin.Get(name);
        if (rowStart < 0 || rowCount < 0 || rowStart + rowCount > rows)
            throw new CheckpointException(Location, FormattableString.Invariant($"has {rows} rows, and those from {rowStart} to {rowStart + rowCount} were asked for"), tensor: name);
        int width = checked((int)stored.RowElements);
        long kept = Math.Clamp(stored.Rows - rowStart, 0, rowCount);
        if (kept > 0)
            origin.ReadF32Rows(name, rowStart, kept, into[..checked((int)(kept * width))]);
        for (long row = rowStart; row < rowStart + rowCount; row++)
        {
            if (row >= stored.Rows || (row >= spare.Start.Value && row < spare.End.Value))
                Mean(name).CopyTo(into[checked((int)((row - rowStart) * width))..]);
        }
    }

    public void ReadRaw(string name, Span<byte> into)
    {
        if (tables.Contains(name))
            ReadRawRows(name, 0, rows, into);
        else
            origin.ReadRaw(name, into);
    }

    public void ReadRawRows(string name, long rowStart, long rowCount, Span<byte> into)
    {
        if (!tables.Contains(name))
        {
            origin.ReadRawRows(name, rowStart, rowCount, into);
            return;
        }
        var info = this.Get(name);
        int elements = checked((int)(rowCount * info.RowElements));
        var numbers = ArrayPool<float>.Shared.Rent(elements);
        ReadF32Rows(name, rowStart, rowCount, numbers.AsSpan(0, elements));
        info.Format.Encode(numbers.AsSpan(0, elements), into);
        ArrayPool<float>.Shared.Return(numbers);
    }

    /// <summary>Nothing: the source below is its owner's.</summary>
    public void Dispose()
    {
    }

    private IWeightSource Below => origin;

    private float[] Mean(string name) => means.GetOrAdd(name, key =>
    {
        var stored = origin.Get(key);
        int width = checked((int)stored.RowElements), most = Math.Max(1, PieceElements / Math.Max(1, width));
        long count = Math.Min(tokens, stored.Rows);
        var sums = new double[width];
        var piece = new float[most * width];
        for (long at = 0; at < count; at += most)
        {
            int now = (int)Math.Min(most, count - at);
            origin.ReadF32Rows(key, at, now, piece.AsSpan(0, now * width));
            for (int i = 0; i < now * width; i++)
                sums[i % width] += piece[i];
        }
        return Array.ConvertAll(sums, sum => (float)(sum / Math.Max(1, count)));
    });
}
