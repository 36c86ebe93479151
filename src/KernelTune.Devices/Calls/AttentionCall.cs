using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>Which keys come too late for a query.</summary>
public enum Causality : byte
{
    /// <summary>None does.</summary>
    None,

    /// <summary>Key j is visible to query i when j ≤ i + Tk − Tq: the last query sees every key (Hugging Face, FlashAttention).</summary>
    BottomRight,

    /// <summary>Key j is visible when j ≤ i (PyTorch's is_causal).</summary>
    TopLeft,
}

/// <summary>The settings of attention.</summary>
/// <remarks>
/// Causality, window and ALiBi count j − (i + Tk − Tq), from the key side; with <see cref="Causality.TopLeft"/> they count j − i.
/// </remarks>
/// <param name="Scale">Multiplies q·k.</param>
/// <param name="Causality">Where the causal mask is aligned.</param>
/// <param name="WindowLeft">Keys up to this far before the query are visible; −1: no limit.</param>
/// <param name="WindowRight">Keys up to this far after the query; −1: no limit.</param>
/// <param name="Softcap">c &gt; 0: scores become c·tanh(score / c), before bias and mask.</param>
public readonly record struct AttentionOptions(double Scale, Causality Causality = Causality.None, int WindowLeft = -1, int WindowRight = -1, double Softcap = 0)
{
    /// <summary>The greatest j − (i + Tk − Tq) that is visible; <see cref="long.MaxValue"/>: no limit.</summary>
    public long Latest(int queries, int keys) => Greatest == long.MaxValue ? long.MaxValue : Greatest + Shift(queries, keys);

    /// <summary>The least j − (i + Tk − Tq) that is visible; <see cref="long.MinValue"/>: no limit.</summary>
    public long Earliest(int queries, int keys) => Least == long.MinValue ? long.MinValue : Least + Shift(queries, keys);

    /// <summary>The greatest distance that is visible, counted as the causality counts it.</summary>
    internal long Greatest => Math.Min(Causality == Causality.None ? long.MaxValue : 0, WindowRight < 0 ? long.MaxValue : WindowRight);

    /// <summary>The least such distance.</summary>
    internal long Least => WindowLeft < 0 ? long.MinValue : -(long)WindowLeft;

    private long Shift(int queries, int keys) => Causality == Causality.TopLeft ? (long)queries - keys : 0;
}

/// <summary>What else decides or shifts the scores; each may be absent.</summary>
/// <param name="KeyMask">I64 [B, Tk]: 1 = may be attended to.</param>
/// <param name="FullMask">I64, broadcasts to [B, H, Tq, Tk].</param>
/// <param name="Bias">Real, broadcasts to [B, H, Tq, Tk]; added to the scores.</param>
/// <param name="Slopes">[H]: ALiBi adds slope·distance (Press et al., 2022).</param>
/// <param name="Sinks">[H]: e^sink joins the denominator.</param>
/// <param name="CuSeqlensQ">I64 [n + 1]: where packed sequences begin among the queries; then B is 1 and sequences never see each other.</param>
/// <param name="CuSeqlensK">The same among the keys.</param>
public readonly record struct AttentionMasks(View KeyMask = default, View FullMask = default, View Bias = default, View Slopes = default, View Sinks = default,
    View CuSeqlensQ = default, View CuSeqlensK = default)
{
    /// <summary>True where nothing but key mask, slopes and packed sequences is asked for: what a fused kernel takes.</summary>
    public bool IsSimple => !FullMask.Exists && !Bias.Exists && !Sinks.Exists;
}

/// <summary>
/// y = softmax(mask(cap(q·kᵀ·scale) + bias))·v and the natural log of its denominator. Q: [B, Tq, H, D], K: [B, Tk, Hkv, D], V: [B, Tk, Hkv, Dv],
/// Y: [B, Tq, H, Dv], any strides with a dense last axis; Lse: [B, H, Tq]. Query head h reads key head h / (H / Hkv). A row that sees nothing
/// gives zeros and lse −∞. A fused kernel never stores the scores (Dao et al., 2022).
/// </summary>
public readonly record struct AttentionCall(View Q, View K, View V, View Y, View Lse, AttentionOptions Options, AttentionMasks Masks) : ICall
{
    public static string Name => "attention";

    public long Flops => AttentionScores.Pairs(Q, K, Options) * 2 * (Q.Shape[3] + V.Shape[3]);

    public long Bytes => Q.Bytes + K.Bytes + V.Bytes + Y.Bytes;

    public void Compose(Device device)
    {
        using var work = new Workspace(device, Name);
        var scores = AttentionScores.Build(device, work, Q, K, Options, Masks, default);
        var p = AttentionScores.Softmax(device, work, scores, Lse, Masks.Sinks);
        Weighted(device, p);
    }

    /// <summary>The composition that also gives out the weights [B, H, Tq, Tk].</summary>
    public void ComposeWithWeights(Device device, in View weights)
    {
        using var work = new Workspace(device, Name);
        var scores = AttentionScores.Build(device, work, Q, K, Options, Masks, default);
        var p = AttentionScores.Softmax(device, work, scores, Lse, Masks.Sinks);
        device.Run(new CopyCall(p, weights));
        Weighted(device, p);
    }

    private void Weighted(Device device, in View p)
    {
        int group = Q.Shape[2] / K.Shape[2];
        device.Run(new MatMulCall(
            AttentionScores.Grouped(p, group),
            AttentionScores.Shared(V, group),
            AttentionScores.Grouped(Y.Transpose(1, 2), group)));
    }
}

/// <summary>
/// The gradients of <see cref="AttentionCall"/>: DQ, DK, DV, DBias and DSinks in the shapes of their operands, overwritten; each may be absent.
/// </summary>
public readonly record struct AttentionGradCall(View Q, View K, View V, View Y, View Lse, View DY, View DQ, View DK, View DV, AttentionOptions Options,
    AttentionMasks Masks, View DBias = default, View DSinks = default) : ICall
{
    public static string Name => "attention_grad";

    public long Flops => AttentionScores.Pairs(Q, K, Options) * ((6 * Q.Shape[3]) + (4 * V.Shape[3]));

    public long Bytes => 2 * (Q.Bytes + K.Bytes + V.Bytes + Y.Bytes);

    public void Compose(Device device)
    {
        using var work = new Workspace(device, Name);
        int group = Q.Shape[2] / K.Shape[2];
        var capped = Options.Softcap != 0 ? work.Take(AttentionScores.ShapeOf(Q, K), Q.Type) : default;
        var p = AttentionScores.Build(device, work, Q, K, Options, Masks, capped);
        var shape = p.Shape;
        var row = shape.With(3, 1);
        var lse = work.Take(row, Q.Type);
        device.Run(MapCall.Step<FiniteOrZero, None>(lse, Lse.Unsqueeze(3)));
        device.Run(MapCall.Binary<Sub, None>(p, p, lse.Broadcast(shape)));
        device.Run(MapCall.Unary<Exp, None>(p, p));
        var dy = DY.Transpose(1, 2);
        if (DV.Exists)
            SumOverGroup(device, p, dy, DV, group);

        // dS = P ∘ (dP − D) with D = Σ dY∘Y.
        var ds = work.Take(shape, Q.Type);
        device.Run(new MatMulCall(AttentionScores.Grouped(dy, group), AttentionScores.Shared(V, group).Transpose(3, 4), AttentionScores.Grouped(ds, group)));
        var product = work.Take(dy.Shape, Q.Type);
        var d = work.Take(row, Q.Type);
        device.Run(MapCall.Binary<Mul, None>(product, dy, Y.Transpose(1, 2)));
        device.Run(new ReduceCall(product, d, 3, Reduction.Sum));
        device.Run(MapCall.Binary<Sub, None>(ds, ds, d.Broadcast(shape)));
        device.Run(MapCall.Binary<Mul, None>(ds, ds, p));
        if (DSinks.Exists)
        {
            // The sink's weight is e^(sink − lse); like every weight p it receives p·(0 − D).
            device.Run(MapCall.Binary<Sub, None>(lse, Masks.Sinks.Unsqueeze(0).Unsqueeze(2).Unsqueeze(3).Broadcast(row), lse));
            device.Run(MapCall.Unary<Exp, None>(lse, lse));
            device.Run(MapCall.Binary<Mul, None>(lse, lse, d));
            device.Run(MapCall.Unary<Scale, ScaleParams>(lse, lse, new ScaleParams(-1)));
            ReduceCall.ToShape(device, lse, DSinks.Unsqueeze(0).Unsqueeze(2).Unsqueeze(3), false);
        }
        if (DBias.Exists)
            ReduceCall.ToShape(device, ds, DBias, false);
        if (Options.Softcap != 0)
        {
            device.Run(MapCall.Unary<Scale, ScaleParams>(capped, capped, new ScaleParams(1 / Options.Softcap)));
            device.Run(MapCall.Unary<Square, None>(capped, capped));
            device.Run(MapCall.Unary<AffineOf, AffineParams>(capped, capped, new AffineParams(-1, 1)));
            device.Run(MapCall.Binary<Mul, None>(ds, ds, capped));
        }
        device.Run(MapCall.Unary<Scale, ScaleParams>(ds, ds, new ScaleParams(Options.Scale)));
        if (DQ.Exists)
            device.Run(new MatMulCall(AttentionScores.Grouped(ds, group), AttentionScores.Shared(K, group), AttentionScores.Grouped(DQ.Transpose(1, 2), group)));
        if (DK.Exists)
            SumOverGroup(device, ds, Q.Transpose(1, 2), DK, group);
    }

    // out[b, :, hkv, :] = Σ over the group's heads of weights[b, h]ᵀ · rows[b, h].
    private static void SumOverGroup(Device device, in View weights, in View rows, in View output, int group)
    {
        var w = AttentionScores.Grouped(weights, group);
        var r = AttentionScores.Grouped(rows, group);
        for (int g = 0; g < group; g++)
            device.Run(new MatMulCall(w.Select(2, g).Transpose(2, 3), r.Select(2, g), output.Transpose(1, 2), g > 0));
    }
}
