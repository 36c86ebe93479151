using System.Text.Json;
using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;
using KernelTune.Modules;

namespace KernelTune.Conformance.Families;

/// <summary>silu(gate)·up, and the form with limits.</summary>
internal static class SwiGluCases
{
    public static void Run(OpRun r)
    {
        string variant = r.TextOrNull("variant") ?? "silu";
        var (gate, up) = (r.Real("gate"), r.Real("up"));
        r.Output("y", variant switch
        {
            "silu" => GatedProduct.Apply<SwiGlu>(gate, up),
            "clamped" => GatedProduct.Apply<ClampedSwiGlu, ClampedParams>(gate, up, new ClampedParams(r.Number("limit"), r.Number("alpha"))),
            _ => throw new NotSupportedException($"variant {variant} of swiglu"),
        });
    }
}

/// <summary>A LoRA's product; with a given mask it is composed, because our own masks are drawn.</summary>
internal static class LoraCases
{
    public static void Run(OpRun r)
    {
        var x = r.Real("x");
        var (weight, bias) = (r.Parameter("weight"), r.ParameterOrNull("bias"));
        var (a, b) = (r.Parameter("lora_a"), r.Parameter("lora_b"));
        double scaling = r.Number("scaling");
        if (!r.Has("mask"))
        {
            r.Output("y", LoraLinearOp.Apply(x, weight, bias, a, b, (float)scaling));
            return;
        }
        var kept = Array.ConvertAll(r.HostIntegers("mask"), m => m / (1 - r.Number("p")));
        var mask = r.Session.Upload<double>(kept, x.Shape, r.Session.Real);
        var extra = LinearOp.Apply(LinearOp.Apply(Binary.Apply<Mul>(x, mask), a, null), b, null);
        r.Output("y", Binary.Apply<Add>(LinearOp.Apply(x, weight, bias), Unary.Apply<Scale, ScaleParams>(extra, new ScaleParams(scaling))));
    }
}

/// <summary>Cross-entropy of logits, and fused with the head.</summary>
internal static class LossCases
{
    public static void CrossEntropy(OpRun r)
    {
        var logits = r.Real("logits");
        var labels = r.Integers("labels");
        var options = new CrossEntropyOptions(-100, r.NumberOr("label_smoothing", 0), r.NumberOr("z_loss", 0), r.NumberOr("softcap", 0));
        string reduction = r.TextOrNull("reduction") ?? "mean";
        var kind = reduction switch
        {
            "mean" => LossReduction.Mean,
            "sum" => LossReduction.Sum,
            "none" => LossReduction.None,
            _ => throw new NotSupportedException($"reduction {reduction}"),
        };
        if (options.ZLoss != 0 && (kind != LossReduction.Mean || r.Has("weight")))
            throw new NotSupportedException("z_loss beside class weights or another reduction than the mean");
        r.Output("loss", CrossEntropyOp.Apply(logits, labels, options, kind, r.RealOrNull("weight")));
    }

    // Every size of the chunks must give the same, and so must a head that is frozen, whose gradient is made in the forward pass.
    public static void Fused(OpRun r)
    {
        var options = CrossEntropyOptions.Plain with { Softcap = r.NumberOr("softcap", 0) };
        foreach (int rows in (int[])[.. r.Ints("chunk_sizes"), 0])
        {
            r.Output("loss", LinearCrossEntropyOp.Apply(r.Real("hidden"), r.Parameter("weight"), r.Integers("labels"), options, chunkRows: rows));
            r.Backward();
        }
    }
}

/// <summary>Attention: the cases have [B, H, T, D], ours reads [B, T, H, D].</summary>
internal static class AttentionCases
{
    public static void Run(OpRun r)
    {
        var (q, k, v) = (Heads(r, "q"), Heads(r, "k"), Heads(r, "v"));
        var mask = r.IntegersOrNull("mask");
        var extras = new AttentionExtras(
            KeyMask: mask?.Shape.Length == 2 ? mask : null,
            FullMask: mask?.Shape.Length == 2 ? null : mask,
            Bias: r.RealOrNull("bias"), Slopes: r.RealOrNull("slopes"), Sinks: r.RealOrNull("sinks"));
        var y = AttentionOp.Apply(q, k, v, Options(r), extras, false, out var lse, out _);
        r.Output("y", Permute.Apply(y, 0, 2, 1, 3));
        r.Output("lse", lse);
    }

    public static void Packed(OpRun r)
    {
        var (q, k, v) = (One(r, "q"), One(r, "k"), One(r, "v"));
        var extras = new AttentionExtras(CuSeqlensQ: r.Integers("cu_seqlens_q"), CuSeqlensK: r.Integers("cu_seqlens_k"));
        var y = AttentionOp.Apply(q, k, v, Options(r), extras, false, out var lse, out _);
        r.Output("y", Reshape.Apply(y, new Shape(y.Shape[1], y.Shape[2], y.Shape[3])));
        r.Output("lse", Reshape.Apply(lse, new Shape(lse.Shape[1], lse.Shape[2])));
    }

    private static Tensor Heads(OpRun r, string name) => Permute.Apply(r.Real(name), 0, 2, 1, 3);

    private static Tensor One(OpRun r, string name)
    {
        var x = r.Real(name);
        return Reshape.Apply(x, new Shape(1, x.Shape[0], x.Shape[1], x.Shape[2]));
    }

    private static AttentionOptions Options(OpRun r)
    {
        string causal = r.TextOrNull("causal") ?? "none";
        var causality = causal switch
        {
            "none" => Causality.None,
            "bottom_right" => Causality.BottomRight,
            "top_left" => Causality.TopLeft,
            _ => throw new NotSupportedException($"causal {causal}"),
        };
        int[] window = r.IntsOrNull("window") ?? [-1, -1];
        return new AttentionOptions(r.Number("scale"), causality, window[0], window[1], r.NumberOr("softcap", 0));
    }
}

/// <summary>Rotary embedding of [B, H, T, D], and the frequencies themselves.</summary>
internal static class RotaryCases
{
    public static readonly string[] ParameterNames =
    [
        "rope_type", "rope_theta", "partial_rotary_factor", "factor", "original_max_position_embeddings", "attention_factor", "low_freq_factor",
        "high_freq_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "truncate", "short_factor", "long_factor",
    ];

    public static void Run(OpRun r)
    {
        string style = r.TextOrNull("style") ?? "half";
        if (style is not ("half" or "interleaved"))
            throw new NotSupportedException($"rotary style {style}");
        double[] frequencies = r.Host("inv_freq");
        if (2 * frequencies.Length != r.Int("rotary_dim"))
            throw new NotSupportedException($"rotary_dim {r.Int("rotary_dim")} with {frequencies.Length} frequencies");
        var x = Permute.Apply(r.Real("x"), 0, 2, 1, 3);
        var table = RotaryTable.Make(r.Integers("position_ids"), frequencies, r.Number("attention_scaling"));
        r.Output("y", Permute.Apply(RotaryOp.Apply(x, table, style == "interleaved"), 0, 2, 1, 3));
    }

    public static void Frequencies(OpRun r)
    {
        var plain = new RopeParameters();
        var parameters = new RopeParameters
        {
            Type = r.TextOrNull("rope_type") ?? plain.Type,
            Theta = r.NumberOr("rope_theta", plain.Theta),
            PartialRotaryFactor = r.NumberOr("partial_rotary_factor", plain.PartialRotaryFactor),
            Factor = r.NumberOrNull("factor"),
            OriginalMaxPositionEmbeddings = r.NumberOrNull("original_max_position_embeddings"),
            AttentionFactor = r.NumberOrNull("attention_factor"),
            LowFreqFactor = r.NumberOr("low_freq_factor", plain.LowFreqFactor),
            HighFreqFactor = r.NumberOr("high_freq_factor", plain.HighFreqFactor),
            BetaFast = r.NumberOr("beta_fast", plain.BetaFast),
            BetaSlow = r.NumberOr("beta_slow", plain.BetaSlow),
            Truncate = !r.Attributes.TryGetProperty("truncate", out _) || r.Flag("truncate"),
            Mscale = r.NumberOrNull("mscale"),
            MscaleAllDim = r.NumberOrNull("mscale_all_dim"),
            ShortFactor = r.NumbersOrNone("short_factor"),
            LongFactor = r.NumbersOrNone("long_factor"),
        };
        var (inverse, scaling) = RopeFrequencies.Of(parameters, r.Int("head_dim"), r.Int("max_position_embeddings"), r.IntOrNull("seq_len"));
        r.Output("inv_freq", inverse, inverse.Length);
        r.Output("attention_scaling", [scaling]);
    }
}

/// <summary>The same elements in another order or under another shape.</summary>
internal static class ShapeCases
{
    public static void Reshaped(OpRun r)
    {
        var x = r.Real("x");
        int[] shape = r.Ints("shape");
        int open = Array.IndexOf(shape, -1);
        if (open >= 0)
            shape[open] = (int)(x.Shape.Elements / Math.Max(1, -shape.Aggregate(1, (product, n) => product * n)));
        r.Output("y", Reshape.Apply(x, new Shape(shape)));
    }

    public static void Sliced(OpRun r)
    {
        var y = r.Real("x");
        int axis = 0;
        foreach (var range in r.Attributes.GetProperty("slices").EnumerateArray())
        {
            int n = y.Shape[axis];
            int? At(int i) => range[i].ValueKind == JsonValueKind.Null ? null : range[i].GetInt32();
            if (At(2) is not (null or 1))
                throw new NotSupportedException($"a slice of step {At(2)}");
            int Bound(int? at, int absent) => at is not { } i ? absent : Math.Clamp(i < 0 ? i + n : i, 0, n);
            int start = Bound(At(0), 0), stop = Bound(At(1), n);
            y = Slice.Apply(y, axis++, start, Math.Max(0, stop - start));
        }
        r.Output("y", y);
    }

    public static void Cut(OpRun r)
    {
        var x = r.Real("x");
        int axis = x.Shape.Axis(r.Int("dim")), last = x.Shape.Length - 1;
        int[] order = [.. Enumerable.Range(0, x.Shape.Length)];
        (order[axis], order[last]) = (order[last], order[axis]);
        var pieces = Split.Apply(axis == last ? x : Permute.Apply(x, order), r.Ints("sizes"));
        for (int i = 0; i < pieces.Length; i++)
            r.Output($"y{i}", axis == last ? pieces[i] : Permute.Apply(pieces[i], order));
    }
}
