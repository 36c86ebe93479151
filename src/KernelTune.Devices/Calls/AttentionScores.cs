using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>The score matrix of the composed attention: products, cap, bias, masks, softmax.</summary>
internal static class AttentionScores
{
    public static Shape ShapeOf(in View q, in View k) => new(q.Shape[0], q.Shape[2], q.Shape[1], k.Shape[1]);

    /// <summary>The number of (query, key) pairs that a causal mask and a window leave, over all heads: what the FLOPs count.</summary>
    public static long Pairs(in View q, in View k, in AttentionOptions options)
    {
        int queries = q.Shape[1], keys = k.Shape[1];
        long pairs = 0;
        long latest = options.Latest(queries, keys), earliest = options.Earliest(queries, keys);
        for (int i = 0; i < queries; i++)
        {
            long at = (long)i + keys - queries;
            long last = latest == long.MaxValue ? keys - 1 : Math.Min(keys - 1, at + latest);
            long first = earliest == long.MinValue ? 0 : Math.Max(0, at + earliest);
            pairs += Math.Max(0, last - first + 1);
        }
        return pairs * q.Shape[0] * q.Shape[2];
    }

    /// <summary>[B, H, T, D] as [B, Hkv, group, T, D].</summary>
    public static View Grouped(in View x, int group) => x.Reshape(new Shape(x.Shape[0], x.Shape[1] / group, group, x.Shape[2], x.Shape[3]));

    /// <summary>Keys or values [B, T, Hkv, D] as [B, Hkv, group, T, D], the same for every head of a group.</summary>
    public static View Shared(in View x, int group)
    {
        var heads = x.Transpose(1, 2).Unsqueeze(2);
        return heads.Broadcast(heads.Shape.With(2, group));
    }

    /// <summary>cap(q·kᵀ·scale) + bias + ALiBi + mask, [B, H, Tq, Tk], −∞ where a key is hidden. The capped scores are left in <paramref name="capped"/> if it exists.</summary>
    public static View Build(Device device, Workspace work, in View q, in View k, in AttentionOptions options, in AttentionMasks masks, in View capped)
    {
        int group = q.Shape[2] / k.Shape[2];
        var shape = ShapeOf(q, k);
        var type = q.Type;
        var s = work.Take(shape, type);
        device.Run(new MatMulCall(Grouped(q.Transpose(1, 2), group), Shared(k, group).Transpose(3, 4), Grouped(s, group)));
        device.Run(MapCall.Unary<Scale, ScaleParams>(s, s, new ScaleParams(options.Scale)));
        if (options.Softcap != 0)
        {
            CrossEntropyCall.Capped(device, s, s, options.Softcap, inPlace: true);
            if (capped.Exists)
                device.Run(new CopyCall(s, capped));
        }
        if (masks.Bias.Exists)
            device.Run(MapCall.Binary<Add, None>(s, s, masks.Bias.Broadcast(shape)));
        var distance = Distance(device, work, shape, options.Causality == Causality.TopLeft, masks, type, out var same);
        if (masks.Slopes.Exists)
        {
            var alibi = work.Take(shape.With(0, 1), type);
            device.Run(MapCall.Binary<Mul, None>(alibi, distance.Unsqueeze(0).Unsqueeze(0).Broadcast(alibi.Shape), masks.Slopes.Unsqueeze(0).Unsqueeze(2).Unsqueeze(3).Broadcast(alibi.Shape)));
            device.Run(MapCall.Binary<Add, None>(s, s, alibi.Broadcast(shape)));
        }
        long latest = options.Greatest, earliest = options.Least;
        if (latest != long.MaxValue || earliest != long.MinValue)
        {
            var band = work.Like(distance);
            device.Run(MapCall.Step<OutsideIsMinusInfinity, BandParams>(band, distance, new BandParams(
                earliest == long.MinValue ? double.NegativeInfinity : earliest, latest == long.MaxValue ? double.PositiveInfinity : latest)));
            device.Run(MapCall.Binary<Add, None>(s, s, band.Broadcast(shape)));
        }
        if (same.Exists)
            Hide(device, work, s, same);
        if (masks.KeyMask.Exists)
            Hide(device, work, s, masks.KeyMask.Unsqueeze(1).Unsqueeze(1));
        if (masks.FullMask.Exists)
            Hide(device, work, s, masks.FullMask);
        return s;
    }

    /// <summary>Softmax over the keys, in place, with an optional sink in the denominator; writes lse.</summary>
    public static View Softmax(Device device, Workspace work, in View s, in View lse, in View sinks)
    {
        var row = s.Shape.With(3, 1);
        var (max, sum) = (work.Take(row, s.Type), work.Take(row, s.Type));
        device.Run(new ReduceCall(s, max, 3, Reduction.Max));
        var sink = sinks.Exists ? sinks.Unsqueeze(0).Unsqueeze(2).Unsqueeze(3).Broadcast(row) : default;
        if (sink.Exists)
            device.Run(MapCall.Binary<Maximum, None>(max, max, sink));
        device.Run(MapCall.Step<FiniteOrZero, None>(max, max));
        device.Run(MapCall.Binary<Sub, None>(s, s, max.Broadcast(s.Shape)));
        device.Run(MapCall.Unary<Exp, None>(s, s));
        device.Run(new ReduceCall(s, sum, 3, Reduction.Sum));
        if (sink.Exists)
        {
            var e = work.Take(row, s.Type);
            device.Run(MapCall.Binary<Sub, None>(e, sink, max));
            device.Run(MapCall.Unary<Exp, None>(e, e));
            device.Run(MapCall.Binary<Add, None>(sum, sum, e));
        }
        var log = work.Take(row, s.Type);
        device.Run(MapCall.Unary<Log, None>(log, sum));
        device.Run(MapCall.Binary<Add, None>(lse.Unsqueeze(3), log, max));
        device.Run(MapCall.Step<ReciprocalOrZero, None>(sum, sum));
        device.Run(MapCall.Binary<Mul, None>(s, s, sum.Broadcast(s.Shape)));
        return s;
    }

    // j − (i + Tk − Tq) as [Tq, Tk], counted within each packed sequence from its end, or j − i counted from the start; `same`: 1 where both belong to one sequence.
    private static View Distance(Device device, Workspace work, Shape shape, bool fromStart, in AttentionMasks masks, DType type, out View same)
    {
        int queries = shape[2], keys = shape[3];
        var distance = work.Take(new Shape(queries, keys), type);
        var (i, j) = (work.Take(new Shape(queries), type), work.Take(new Shape(keys), type));
        if (masks.CuSeqlensQ.Exists)
        {
            device.Run(new RampCall(i, 0, 1));
            device.Run(new RampCall(j, 0, 1));
            var (sequenceQ, sequenceK) = (Sequence(device, work, i, masks.CuSeqlensQ, fromStart), Sequence(device, work, j, masks.CuSeqlensK, fromStart));
            same = work.Take(new Shape(queries, keys), type);
            device.Run(MapCall.Step2<Equal, None>(same, sequenceQ.Unsqueeze(1).Broadcast(same.Shape), sequenceK.Unsqueeze(0).Broadcast(same.Shape)));
        }
        else
        {
            same = default;
            device.Run(new RampCall(i, fromStart ? 0 : -queries, 1));
            device.Run(new RampCall(j, fromStart ? 0 : -keys, 1));
        }
        device.Run(MapCall.Binary<Sub, None>(distance, j.Unsqueeze(0).Broadcast(distance.Shape), i.Unsqueeze(1).Broadcast(distance.Shape)));
        return distance;
    }

    // The number of the sequence that each position belongs to; the positions become distances from that sequence's end, or from its start.
    private static View Sequence(Device device, Workspace work, in View position, in View starts, bool fromStart)
    {
        int n = position.Shape[0], marks = starts.Shape[0];
        var shape = new Shape(n, marks);
        var (mark, begun, origin) = (work.Take(new Shape(marks), position.Type), work.Take(shape, position.Type), work.Take(new Shape(n, 1), position.Type));
        var sequence = work.Take(new Shape(n, 1), position.Type);
        device.Run(new CopyCall(starts, mark));
        var (p, m) = (position.Unsqueeze(1).Broadcast(shape), mark.Unsqueeze(0).Broadcast(shape));
        device.Run(MapCall.Step2<AtLeast, None>(begun, p, m));
        device.Run(new ReduceCall(begun, sequence, 1, Reduction.Sum));

        // The start is the greatest mark passed: of the others 0 is left. The end is the least mark beyond: those passed count as +∞.
        if (fromStart)
            device.Run(MapCall.Binary<Mul, None>(begun, m, begun));
        else
            device.Run(MapCall.Step2<InfiniteWhereOne, None>(begun, m, begun));
        device.Run(new ReduceCall(begun, origin, 1, fromStart ? Reduction.Max : Reduction.Min));
        device.Run(MapCall.Binary<Sub, None>(position.Unsqueeze(1), position.Unsqueeze(1), origin));
        return sequence.Reshape(new Shape(n));
    }

    // Adds −∞ where the mask is 0.
    private static void Hide(Device device, Workspace work, in View s, in View mask)
    {
        var m = work.Take(mask.Shape, s.Type);
        device.Run(new CopyCall(mask, m));
        device.Run(MapCall.Step<ZeroIsMinusInfinity, None>(m, m));
        device.Run(MapCall.Binary<Add, None>(s, s, m.Broadcast(s.Shape)));
    }
}
