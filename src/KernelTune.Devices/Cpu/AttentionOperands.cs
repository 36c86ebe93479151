using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>The views of attention's calls as its kernel reads them.</summary>
internal static unsafe class AttentionOperands
{
    public static bool Suits(in View q, in View k, in View v, in View y, in View lse, in AttentionMasks masks) =>
        SuitsRows(q) && SuitsRows(k) && SuitsRows(v) && SuitsRows(y) && lse.Type == DType.F32 && lse.IsDense
        && SuitsWhole(masks.KeyMask) && (!masks.KeyMask.Exists || masks.KeyMask.IsRowDense) && SuitsWhole(masks.FullMask)
        && (!masks.Bias.Exists || masks.Bias.Type == DType.F32) && RowMatrix.SuitsVector(masks.Slopes) && RowMatrix.SuitsVector(masks.Sinks)
        && SuitsWhole(masks.CuSeqlensQ) && SuitsWhole(masks.CuSeqlensK)
        && (!masks.CuSeqlensQ.Exists || (masks.CuSeqlensQ.IsDense && masks.CuSeqlensK.IsDense));

    /// <summary>True where a view [B, T, H, D] is absent, or floats whose channels are neighbours.</summary>
    public static bool SuitsRows(in View view) => !view.Exists || (view.Type == DType.F32 && view.IsRowDense);

    public static AttentionStride StrideOf(in View view) => view.Exists ? new((nint)view.Stride(0), (nint)view.Stride(1), (nint)view.Stride(2)) : default;

    public static AttentionShape ShapeOf(in View q, in View k, in View v, in AttentionOptions options, in AttentionMasks masks) => new()
    {
        Batch = q.Shape[0],
        Queries = q.Shape[1],
        Keys = k.Shape[1],
        Heads = q.Shape[2],
        KeyHeads = k.Shape[2],
        Width = q.Shape[3],
        ValueWidth = v.Shape[3],
        Scale = (float)options.Scale,
        Softcap = (float)options.Softcap,
        TopLeft = options.Causality == Causality.TopLeft,
        Earliest = options.Least,
        Latest = options.Greatest,
        Sequences = masks.CuSeqlensQ.Exists ? masks.CuSeqlensQ.Shape[0] - 1 : 0,
    };

    public static AttentionArgs<float> Of(in View q, in View k, in View v, in View y, in View lse, in AttentionOptions options, in AttentionMasks masks)
    {
        var scores = new Shape(q.Shape[0], q.Shape[2], q.Shape[1], k.Shape[1]);
        return new AttentionArgs<float>
        {
            Shape = ShapeOf(q, k, v, options, masks),
            Q = (float*)q.Address,
            QStride = StrideOf(q),
            K = (float*)k.Address,
            KStride = StrideOf(k),
            V = (float*)v.Address,
            VStride = StrideOf(v),
            Y = (float*)y.Address,
            YStride = StrideOf(y),
            Lse = (float*)lse.Address,
            KeyMask = masks.KeyMask.Exists ? (long*)masks.KeyMask.Address : null,
            KeyMaskStride = masks.KeyMask.Exists ? (nint)masks.KeyMask.Stride(0) : 0,
            Mask = masks.FullMask.Exists ? (long*)masks.FullMask.Address : null,
            MaskStride = Spread(masks.FullMask, scores),
            Bias = RowMatrix.Vector(masks.Bias),
            BiasStride = Spread(masks.Bias, scores),
            Slopes = RowMatrix.Vector(masks.Slopes),
            Sinks = RowMatrix.Vector(masks.Sinks),
            StartsQ = masks.CuSeqlensQ.Exists ? (long*)masks.CuSeqlensQ.Address : null,
            StartsK = masks.CuSeqlensK.Exists ? (long*)masks.CuSeqlensK.Address : null,
        };
    }

    /// <summary>Refuses boundaries that leave rows out or run backwards.</summary>
    public static void CheckStarts(string operation, in View q, in View k, in AttentionMasks masks)
    {
        if (!masks.CuSeqlensQ.Exists)
            return;
        if (!masks.CuSeqlensK.Exists || masks.CuSeqlensQ.Shape != masks.CuSeqlensK.Shape || q.Shape[0] != 1)
            throw new ShapeException(operation, $"cu_seqlens {masks.CuSeqlensQ} of queries and {masks.CuSeqlensK} of keys in a batch of {q.Shape[0]}");
        CheckStarts(operation, "queries", masks.CuSeqlensQ, q.Shape[1]);
        CheckStarts(operation, "keys", masks.CuSeqlensK, k.Shape[1]);
    }

    private static void CheckStarts(string operation, string what, in View starts, int rows)
    {
        long* p = (long*)starts.Address;
        int last = starts.Shape[0] - 1;
        for (int i = 0; i < last; i++)
        {
            if (p[i] > p[i + 1])
                throw new ShapeException(operation, $"cu_seqlens of the {what} falls from {p[i]} to {p[i + 1]} at {i + 1}");
        }
        if (p[0] != 0 || p[last] != rows)
            throw new ShapeException(operation, $"cu_seqlens of the {what} runs from {p[0]} to {p[last]}, not from 0 to {rows}");
    }

    private static bool SuitsWhole(in View view) => !view.Exists || view.Type == DType.I64;

    private static AttentionScoreStride Spread(in View view, Shape scores)
    {
        if (!view.Exists)
            return default;
        var all = view.Broadcast(scores);
        return new((nint)all.Stride(0), (nint)all.Stride(1), (nint)all.Stride(2), (nint)all.Stride(3));
    }
}
