using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Conformance.Families;

/// <summary>How a case of one operation is run.</summary>
/// <param name="Run">Reads the inputs, gives the outputs; throws <see cref="NotSupportedException"/> for a setting that is not built.</param>
/// <param name="Attributes">The attributes that it understands.</param>
internal sealed record OpEntry(Action<OpRun> Run, params string[] Attributes)
{
    /// <summary>Inputs that may be kept packed where they are frozen.</summary>
    public string[] Frozen { get; init; } = [];
}

/// <summary>The operations of ops/ that are built, by the name that the cases give them.</summary>
internal static class OpTable
{
    public static IReadOnlyDictionary<string, OpEntry> All { get; } = new Dictionary<string, OpEntry>(StringComparer.Ordinal)
    {
        ["abs"] = UnaryOf<Abs>(),
        ["exp"] = UnaryOf<Exp>(),
        ["gelu"] = UnaryOf<Gelu>(),
        ["gelu_tanh"] = UnaryOf<GeluTanh>(),
        ["log"] = UnaryOf<Log>(),
        ["neg"] = UnaryOf<Neg>(),
        ["quick_gelu"] = UnaryOf<QuickGelu>(),
        ["reciprocal"] = UnaryOf<Reciprocal>(),
        ["relu"] = UnaryOf<Relu>(),
        ["sigmoid"] = UnaryOf<Sigmoid>(),
        ["silu"] = UnaryOf<Silu>(),
        ["sqrt"] = UnaryOf<Sqrt>(),
        ["square"] = UnaryOf<Square>(),
        ["tanh"] = UnaryOf<Tanh>(),
        ["add"] = BinaryOf<Add>(),
        ["div"] = BinaryOf<Div>(),
        ["maximum"] = BinaryOf<Maximum>(),
        ["mul"] = BinaryOf<Mul>(),
        ["sub"] = BinaryOf<Sub>(),
        ["swiglu"] = new(SwiGluCases.Run, "variant", "alpha", "limit"),
        ["softmax"] = new(r => r.Output("y", SoftmaxOp.Apply(r.Real("x"), r.Int("dim"), emptyIsZero: r.TextOrNull("all_masked") == "zero")), "dim", "all_masked"),
        ["log_softmax"] = new(LogSoftmax, "dim", "kept_is"),
        ["matmul"] = new(r => r.Output("y", MatMul.Apply(Transposed(r, "a"), Transposed(r, "b"))), "transpose_a", "transpose_b"),
        ["linear"] = new(r => r.Output("y", LinearOp.Apply(r.Real("x"), r.Parameter("weight"), r.ParameterOrNull("bias")))) { Frozen = ["weight"] },
        ["lora_linear"] = new(LoraCases.Run, "frozen", "p", "scaling") { Frozen = ["weight", "bias"] },
        ["embedding"] = new(Embedding, "padding_idx") { Frozen = ["weight"] },
        ["rms_norm"] = new(r => r.Output("y", RmsNormOp.Apply(r.Real("x"), r.RealOrNull("weight"), r.Number("eps"), r.Number("offset"))), "eps", "offset"),
        ["layer_norm"] = new(LayerNorm, "eps", "normalized"),
        ["cross_entropy"] = new(LossCases.CrossEntropy, "label_smoothing", "reduction", "softcap", "z_loss"),
        ["linear_cross_entropy"] = new(LossCases.Fused, "chunk_sizes", "softcap"),
        ["attention"] = new(AttentionCases.Run, "causal", "scale", "softcap", "window"),
        ["attention_varlen"] = new(AttentionCases.Packed, "causal", "scale", "window"),
        ["rotary"] = new(RotaryCases.Run, "attention_scaling", "rotary_dim", "style"),
        ["rope_frequencies"] = new(RotaryCases.Frequencies, [.. RotaryCases.ParameterNames, "head_dim", "max_position_embeddings", "seq_len"]),
        ["t5_relative_bucket"] = new(BucketCases.Buckets, BucketCases.Sorting),
        ["t5_relative_bias"] = new(BucketCases.Bias, [.. BucketCases.Sorting, "query_length", "key_length"]),
        ["cumsum"] = new(OrderCases.CumulativeSums, "dim"),
        ["cumsum_integer"] = new(OrderCases.IntegerSums, "dim"),
        ["sort"] = new(OrderCases.Sorted, "dim", "descending"),
        ["topk"] = new(OrderCases.Greatest, "k", "dim", "largest"),
        ["reshape"] = new(ShapeCases.Reshaped, "shape"),
        ["permute"] = new(r => r.Output("y", Permute.Apply(r.Real("x"), r.Ints("dims"))), "dims"),
        ["slice"] = new(ShapeCases.Sliced, "slices"),
        ["split"] = new(ShapeCases.Cut, "dim", "sizes"),
        ["conv2d"] = new(PlaneCases.Conv2d, PlaneCases.Convolution),
        ["conv1d"] = new(PlaneCases.Conv1d, PlaneCases.Convolution),
        ["unfold"] = new(PlaneCases.Unfold, PlaneCases.Window),
        ["fold"] = new(PlaneCases.Fold, [.. PlaneCases.Window, "output_size"]),
        ["batch_norm"] = new(PlaneCases.BatchNorm, "training", "momentum", "eps"),
        ["max_pool2d"] = new(PlaneCases.MaxPool2d, [.. PlaneCases.Window, "ceil_mode"]),
        ["max_pool1d"] = new(PlaneCases.MaxPool1d, [.. PlaneCases.Window, "ceil_mode"]),
        ["avg_pool2d"] = new(PlaneCases.AveragePool2d, "kernel", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
        ["avg_pool1d"] = new(PlaneCases.AveragePool1d, "kernel", "stride", "padding", "ceil_mode", "count_include_pad"),
        ["adaptive_avg_pool2d"] = new(PlaneCases.AdaptiveAveragePool2d, "output_size"),
        ["adaptive_avg_pool1d"] = new(PlaneCases.AdaptiveAveragePool1d, "output_size"),
        ["adaptive_max_pool2d"] = new(PlaneCases.AdaptiveMaxPool2d, "output_size"),
    };

    private static OpEntry UnaryOf<TOp>()
        where TOp : struct, IUnaryOp<None> => new(r => r.Output("y", Unary.Apply<TOp>(r.Real("x"))));

    private static OpEntry BinaryOf<TOp>()
        where TOp : struct, IBinaryOp<None> => new(r => r.Output("y", Binary.Apply<TOp>(r.Real("a"), r.Real("b"))));

    private static Tensor Transposed(OpRun r, string name)
    {
        var x = r.Real(name);
        if (!r.Flag($"transpose_{name}"))
            return x;
        int[] order = [.. Enumerable.Range(0, x.Shape.Length)];
        (order[^1], order[^2]) = (order[^2], order[^1]);
        return Permute.Apply(x, order);
    }

    // Where −∞ stands in y no cotangent has a meaning: the case then reads y through a second output, in which those entries are 0.
    private static void LogSoftmax(OpRun r)
    {
        var y = SoftmaxOp.Apply(r.Real("x"), r.Int("dim"), log: true);
        r.Output("y", y);
        if (r.TextOrNull("kept_is") is null)
            return;
        var values = r.Read(y.View);
        var cotangent = r.Cotangent("kept");
        for (int i = 0; i < values.Length; i++)
            (values[i], cotangent[i]) = float.IsNegativeInfinity(values[i]) ? (0, 0) : (values[i], cotangent[i]);
        r.Output("kept", Array.ConvertAll(values, v => (double)v), y.Shape.ToArray());
        r.Seed(y, cotangent);
    }

    private static void Embedding(OpRun r)
    {
        var table = r.Parameter("weight");
        int padding = r.IntOrNull("padding_idx") is { } p ? p < 0 ? p + table.Shape[0] : p : -1;
        r.Output("y", EmbeddingOp.Apply(table, r.Integers("ids"), padding));
    }

    private static void LayerNorm(OpRun r)
    {
        var x = r.Real("x");
        int axes = r.Int("normalized");
        int[] lengths = x.Shape.ToArray();
        int size = lengths[^axes..].Aggregate(1, (product, n) => product * n);
        var flat = axes == 1 ? x : Reshape.Apply(x, new Shape([.. lengths[..^axes], size]));
        var y = LayerNormOp.Apply(flat, Flat("weight"), Flat("bias"), r.Number("eps"));
        r.Output("y", axes == 1 ? y : Reshape.Apply(y, x.Shape));

        Tensor? Flat(string name) => r.RealOrNull(name) is { } p ? Reshape.Apply(p, new Shape(size)) : null;
    }
}
