using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace KernelTune.Checkpoints;

/// <summary>How many values of one weight are not finite.</summary>
public sealed record NonFiniteWeight(string Name, long NaN, long Infinite)
{
    public override string ToString() => $"tensor {CheckpointException.Quote(Name)}: {NaN} NaN and {Infinite} infinite values";
}

/// <summary>Looks at every value of a source.</summary>
public static class WeightScan
{
    private const int PieceElements = 1 << 20;

    /// <summary>
    /// The weights that hold NaN or infinities, with their counts; empty where all is well. Weights that hold no real numbers are passed over.
    /// </summary>
    public static IReadOnlyList<NonFiniteWeight> NonFinite(IWeightSource source, IEnumerable<string>? names = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        var found = new List<NonFiniteWeight>();
        foreach (var name in names ?? source.Names)
        {
            var info = source.Get(name);
            if (!info.Format.CanDecode || info.Elements == 0)
                continue;
            long nan = 0, infinite = 0;
            var rowsAtOnce = Math.Clamp(PieceElements / info.RowElements, 1, info.Rows);
            // A quantised vector is one row to its blocks.
            if (info.Shape.Length <= 1 && info.Format.BlockElements > 1)
                rowsAtOnce = info.Rows;
            var buffer = ArrayPool<float>.Shared.Rent(checked((int)(rowsAtOnce * info.RowElements)));
            for (var row = 0L; row < info.Rows; row += rowsAtOnce)
            {
                cancellation.ThrowIfCancellationRequested();
                var count = Math.Min(rowsAtOnce, info.Rows - row);
                var values = buffer.AsSpan(0, (int)(count * info.RowElements));
                source.ReadF32Rows(name, row, count, values);
                Count(values, ref nan, ref infinite);
            }

            ArrayPool<float>.Shared.Return(buffer);
            if (nan + infinite > 0)
                found.Add(new NonFiniteWeight(name, nan, infinite));
        }

        return found;
    }

    private static void Count(ReadOnlySpan<float> values, ref long nan, ref long infinite)
    {
        // An exponent of all ones: looked for a vector at a time, told apart only where one is found.
        var special = new Vector<uint>(0x7F800000u);
        var vectors = MemoryMarshal.Cast<float, Vector<uint>>(values);
        var tail = vectors.Length * Vector<uint>.Count;
        for (var i = 0; i < vectors.Length; i++)
        {
            if (Vector.EqualsAny(vectors[i] & special, special))
                CountOneByOne(values.Slice(i * Vector<uint>.Count, Vector<uint>.Count), ref nan, ref infinite);
        }

        CountOneByOne(values[tail..], ref nan, ref infinite);
    }

    private static void CountOneByOne(ReadOnlySpan<float> values, ref long nan, ref long infinite)
    {
        foreach (var value in values)
        {
            if (float.IsNaN(value))
                nan++;
            else if (float.IsInfinity(value))
                infinite++;
        }
    }
}
