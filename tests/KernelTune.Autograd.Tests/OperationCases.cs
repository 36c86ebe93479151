using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Autograd.Tests;

/// <summary>The table: every operation, with the options that change its arithmetic.</summary>
internal static class OperationCases
{
    public static IEnumerable<OperationCase> All => [.. Elementwise, .. Products, .. Rows, .. Losses, .. Attention, .. Shapes, .. Planes, .. Empty];

    private static IEnumerable<OperationCase> Elementwise =>
    [
        Of<Abs>("abs"),
        Of<Exp>("exp"),
        Of<Gelu>("gelu"),
        Of<GeluTanh>("gelu_tanh"),
        Of<Log>("log") with { Range = (0.3, 3) },
        Of<Neg>("neg"),
        Of<QuickGelu>("quick_gelu"),
        Of<Reciprocal>("reciprocal") with { Range = (0.4, 2) },
        Of<Relu>("relu"),
        Of<Sigmoid>("sigmoid"),
        Of<Silu>("silu"),
        Of<Sqrt>("sqrt") with { Range = (0.3, 3) },
        Of<Square>("square"),
        Of<Tanh>("tanh"),
        new("scale", typeof(Unary), t => Unary.Apply<Scale, ScaleParams>(t[0], new ScaleParams(-1.7)), [3, 5]),
        new("affine", typeof(Unary), t => Unary.Apply<AffineOf, AffineParams>(t[0], new AffineParams(-1.7, 0.3)), [3, 5]),
        new("silu of a transpose", typeof(Unary), t => Unary.Apply<Silu>(Permute.Apply(t[0], 1, 0)), [3, 5]),
        new("tanh of a scalar", typeof(Unary), t => Unary.Apply<Tanh>(t[0]), (int[])[]),
        Of<Add>("add", [3, 4], [3, 4]),
        Of<Add>("add a row", [2, 3, 4], [4]),
        Of<Add>("add, both broadcast", [2, 1, 4], [3, 1]),
        Of<Sub>("sub a column", [3, 4], [3, 1]),
        Of<Mul>("mul", [3, 4], [3, 4]),
        Of<Mul>("mul by a scalar", [3, 4], []),
        Of<Mul>("mul, both broadcast", [2, 1, 4], [3, 1]),
        Of<Div>("div", [3, 4], [4]) with { Range = (0.5, 2) },
        Of<Maximum>("maximum", [3, 4], [1, 4]),
        new("mul with itself", typeof(Binary), t => Binary.Apply<Mul>(t[0], t[0]), [3, 4]),
        new("add to itself", typeof(Binary), t => Binary.Apply<Add>(t[0], t[0]), [3, 4]),
        new("add to an activation twice", typeof(Binary), AddTwice, [3, 4], [3, 4]),
        new("swiglu", typeof(GatedProduct), t => GatedProduct.Apply<SwiGlu>(t[0], t[1]), [3, 5], [3, 5]),
        new("swiglu of a frozen gate", typeof(GatedProduct), t => GatedProduct.Apply<SwiGlu>(t[0], t[1]), [3, 5], [3, 5]) { Frozen = [0] },
        new("swiglu beside a frozen up", typeof(GatedProduct), t => GatedProduct.Apply<SwiGlu>(t[0], t[1]), [3, 5], [3, 5]) { Frozen = [1] },
        new("swiglu of one tensor", typeof(GatedProduct), t => GatedProduct.Apply<SwiGlu>(t[0], t[0]), [3, 5]),
        new("clamped swiglu", typeof(GatedProduct), t => GatedProduct.Apply<ClampedSwiGlu, ClampedParams>(t[0], t[1], new ClampedParams(1, 1.702)), [3, 5], [3, 5]),
        new("dropout", typeof(Dropout), t => Dropout.Apply(t[0], 0.4), [5, 7]),
        new("dropout of a transpose", typeof(Dropout), t => Dropout.Apply(Permute.Apply(t[0], 1, 0), 0.4), [5, 7]),
        new("leaf", typeof(Leaf), t => t[0], [3, 4]),
        new("recompute", typeof(Recompute), t => Recompute.Apply(t.Session, [t[0], t[1]], false, () => Binary.Apply<Mul>(Unary.Apply<Silu>(t[0]), t[1])), [3, 4], [3, 4]),
    ];

    private static IEnumerable<OperationCase> Products =>
    [
        new("matmul", typeof(MatMul), t => MatMul.Apply(t[0], t[1]), [3, 4], [4, 5]),
        new("matmul, batched", typeof(MatMul), t => MatMul.Apply(t[0], t[1]), [2, 3, 4], [2, 4, 5]),
        new("matmul, a matrix for every batch", typeof(MatMul), t => MatMul.Apply(t[0], t[1]), [2, 3, 4], [4, 5]),
        new("matmul, both broadcast", typeof(MatMul), t => MatMul.Apply(t[0], t[1]), [2, 1, 3, 4], [2, 4, 5]),
        new("matmul of transposes", typeof(MatMul), t => MatMul.Apply(Permute.Apply(t[0], 1, 0), Permute.Apply(t[1], 1, 0)), [4, 3], [5, 4]),
        new("matmul, vector times matrix", typeof(MatMul), t => MatMul.Apply(t[0], t[1]), [4], [2, 4, 5]),
        new("matmul, matrix times vector", typeof(MatMul), t => MatMul.Apply(t[0], t[1]), [2, 3, 4], [4]),
        new("matmul, dot", typeof(MatMul), t => MatMul.Apply(t[0], t[1]), [4], [4]),
        new("matmul, one by one", typeof(MatMul), t => MatMul.Apply(t[0], t[1]), [1], [1, 1]),
        new("linear", typeof(LinearOp), t => LinearOp.Apply(t[0], t.Weight(1), t.Weight(2)), [2, 3, 5], [4, 5], [4]),
        new("linear without bias, of a vector", typeof(LinearOp), t => LinearOp.Apply(t[0], t.Weight(1), null), [5], [4, 5]),
        new("linear over a frozen weight", typeof(LinearOp), t => LinearOp.Apply(t[0], t.Weight(1), t.Weight(2)), [3, 5], [4, 5], [4]) { Frozen = [1] },
        new("linear, stored [in, out]", typeof(LinearOp), t => LinearOp.Apply(t[0], t.Weight(1), t.Weight(2)), [3, 5], [5, 4], [4]) { Transposed = [1] },
        new("linear, frozen and stored [in, out]", typeof(LinearOp), t => LinearOp.Apply(t[0], t.Weight(1), null), [3, 5], [5, 4]) { Transposed = [1], Frozen = [1] },
        new("linear of permuted axes", typeof(LinearOp), t => LinearOp.Apply(Permute.Apply(t[0], 1, 0, 2), t.Weight(1), null), [2, 3, 5], [4, 5]),
        new("linear of a transpose", typeof(LinearOp), t => LinearOp.Apply(Permute.Apply(t[0], 1, 0), t.Weight(1), null), [5, 3], [4, 5]),
        new("lora", typeof(LoraLinearOp), t => Lora(t, 0), [2, 3, 5], [4, 5], [4], [2, 5], [4, 2]) { Frozen = [1, 2] },
        new("lora, base trained", typeof(LoraLinearOp), t => Lora(t, 0), [3, 5], [4, 5], [4], [2, 5], [4, 2]),
        new("lora with dropout", typeof(LoraLinearOp), t => Lora(t, 0.4), [6, 5], [4, 5], [4], [2, 5], [4, 2]) { Frozen = [1, 2] },
        new("lora on [in, out]", typeof(LoraLinearOp), t => Lora(t, 0), [3, 5], [5, 4], [4], [2, 5], [4, 2]) { Frozen = [1, 2], Transposed = [1] },
        new("lora of permuted axes with dropout", typeof(LoraLinearOp), t => Lora(t, 0.4, permute: true), [2, 3, 5], [4, 5], [4], [2, 5], [4, 2]) { Frozen = [1, 2] },
        new("embedding", typeof(EmbeddingOp), t => EmbeddingOp.Apply(t.Weight(0), t.Integers(new Shape(2, 3), 1, 4, 1, 0, 1, 6)), [7, 3]),
        new("embedding with a padding row", typeof(EmbeddingOp), EmbeddingPadded, [7, 3]),
    ];

    private static IEnumerable<OperationCase> Planes =>
    [
        new("conv2d", typeof(Conv2dOp), t => Conv2dOp.Apply(t[0], t[1], t[2], new Conv2dGeometry { Padding = new Padding2d(1, 1) }), [2, 2, 4, 3], [3, 2, 3, 3], [3]),
        new("conv2d, strided, padded on two sides", typeof(Conv2dOp), t => Conv2dOp.Apply(t[0], t[1], null, new Conv2dGeometry { Stride = (2, 1), Padding = new Padding2d(0, 1, 2, 0) }), [2, 2, 5, 4], [3, 2, 3, 2]),
        new("conv2d, dilated, in groups", typeof(Conv2dOp), t => Conv2dOp.Apply(t[0], t[1], t[2], new Conv2dGeometry { Dilation = (2, 1), IsSame = true, Groups = 2 }), [1, 4, 5, 4], [4, 2, 2, 3], [4]),
        new("conv2d, depthwise", typeof(Conv2dOp), t => Conv2dOp.Apply(t[0], t[1], null, new Conv2dGeometry { Groups = 3 }), [2, 3, 4, 4], [3, 1, 2, 2]),
        new("conv2d, 1×1", typeof(Conv2dOp), t => Conv2dOp.Apply(t[0], t[1], null, new Conv2dGeometry()), [2, 3, 3, 2], [4, 3, 1, 1]),
        new("conv2d over a frozen weight", typeof(Conv2dOp), t => Conv2dOp.Apply(t[0], t[1], t[2], new Conv2dGeometry()), [2, 2, 4, 3], [3, 2, 3, 3], [3]) { Frozen = [1] },
        new("conv2d of a transpose", typeof(Conv2dOp), t => Conv2dOp.Apply(Permute.Apply(t[0], 0, 2, 3, 1), t[1], null, new Conv2dGeometry()), [2, 4, 2, 3], [3, 2, 2, 2]),
        new("batch_norm in training", typeof(BatchNormOp), t => BatchNorm(t, true), [3, 2, 2, 3], [2], [2]),
        new("batch_norm in evaluation", typeof(BatchNormOp), t => BatchNorm(t, false), [3, 2, 2, 3], [2], [2]),
        new("batch_norm over a frozen weight", typeof(BatchNormOp), t => BatchNorm(t, false), [3, 2, 2, 3], [2], [2]) { Frozen = [1] },
        new("batch_norm, plain, of rows", typeof(BatchNormOp), t => BatchNormOp.Apply(t[0], null, null, null, null, true, 0.1, 1e-5), [5, 3]),
        new("max_pool2d", typeof(MaxPool2dOp), t => MaxPool2dOp.Apply(t[0], new Pool2dGeometry { Kernel = (3, 3), Stride = (2, 2), Padding = (1, 1) }), [2, 2, 5, 4]),
        new("max_pool2d, dilated, ceil", typeof(MaxPool2dOp), t => MaxPool2dOp.Apply(t[0], new Pool2dGeometry { Kernel = (2, 2), Stride = (2, 3), Dilation = (2, 1), CeilMode = true }), [1, 2, 6, 6]),
        new("average_pool2d", typeof(AveragePool2dOp), t => AveragePool2dOp.Apply(t[0], new Pool2dGeometry { Kernel = (3, 2), Stride = (1, 2), Padding = (1, 1), CeilMode = true }), [2, 2, 5, 4]),
        new("average_pool2d, padding not counted", typeof(AveragePool2dOp), t => AveragePool2dOp.Apply(t[0], new Pool2dGeometry { Kernel = (3, 2), Padding = (1, 1) }, countsPadding: false), [2, 2, 5, 4]),
        new("adaptive_average_pool2d", typeof(AdaptiveAveragePool2dOp), t => AdaptiveAveragePool2dOp.Apply(t[0], 2, 3), [2, 2, 5, 4]),
        new("adaptive_average_pool2d to one", typeof(AdaptiveAveragePool2dOp), t => AdaptiveAveragePool2dOp.Apply(t[0], 1, 1), [2, 2, 5, 4]),
        new("adaptive_max_pool2d", typeof(AdaptiveMaxPool2dOp), t => AdaptiveMaxPool2dOp.Apply(t[0], 2, 3), [2, 2, 5, 4]),
        new("unfold", typeof(UnfoldOp), t => UnfoldOp.Apply(t[0], (3, 2), new Conv2dGeometry { Padding = new Padding2d(1, 0), Stride = (2, 1) }), [2, 2, 5, 4]),
        new("fold", typeof(FoldOp), t => FoldOp.Apply(t[0], 4, 4, (2, 2), new Conv2dGeometry()), [2, 8, 9]),
    ];

    // The running statistics are constants of the trial.
    private static Tensor BatchNorm(Trial t, bool training) =>
        BatchNormOp.Apply(t[0], t[1], t[2], t.Constant(new Shape(2), 0.3, -0.2), t.Constant(new Shape(2), 0.7, 1.4), training, 0.1, 1e-5);

    private static IEnumerable<OperationCase> Rows =>
    [
        new("rms_norm", typeof(RmsNormOp), t => RmsNormOp.Apply(t[0], t[1], 1e-6), [2, 3, 5], [5]),
        new("rms_norm, no weight", typeof(RmsNormOp), t => RmsNormOp.Apply(t[0], null, 1e-6), [3, 5]),
        new("rms_norm, 1 + weight", typeof(RmsNormOp), t => RmsNormOp.Apply(t[0], t[1], 1e-5, 1), [3, 5], [5]),
        new("rms_norm, computed weight", typeof(RmsNormOp), t => RmsNormOp.Apply(t[0], Unary.Apply<Square>(t[1]), 1e-6), [3, 5], [5]),
        new("rms_norm of a transpose", typeof(RmsNormOp), t => RmsNormOp.Apply(Permute.Apply(t[0], 1, 0), t[1], 1e-6), [5, 3], [5]),
        new("layer_norm", typeof(LayerNormOp), t => LayerNormOp.Apply(t[0], t[1], t[2], 1e-5), [2, 3, 5], [5], [5]),
        new("layer_norm, no bias", typeof(LayerNormOp), t => LayerNormOp.Apply(t[0], t[1], null, 1e-5), [3, 5], [5]),
        new("layer_norm, bias alone", typeof(LayerNormOp), t => LayerNormOp.Apply(t[0], null, t[1], 1e-5), [3, 5], [5]),
        new("layer_norm, plain", typeof(LayerNormOp), t => LayerNormOp.Apply(t[0], null, null, 1e-5), [3, 5]),
        new("softmax", typeof(SoftmaxOp), t => SoftmaxOp.Apply(t[0]), [3, 5]),
        new("softmax over a middle axis", typeof(SoftmaxOp), t => SoftmaxOp.Apply(t[0], 1), [2, 5, 3]),
        new("log_softmax", typeof(SoftmaxOp), t => SoftmaxOp.Apply(t[0], log: true), [2, 3, 5]),
        new("log_softmax over the first axis", typeof(SoftmaxOp), t => SoftmaxOp.Apply(t[0], 0, log: true), [5, 3]),
        new("rotary", typeof(RotaryOp), t => Rotary(t, false), [2, 3, 2, 6]),
        new("rotary, interleaved", typeof(RotaryOp), t => Rotary(t, true), [2, 3, 2, 6]),
        new("rotary, some channels pass", typeof(RotaryOp), t => Rotary(t, false), [2, 3, 2, 9]),
        new("rotary, interleaved, some channels pass", typeof(RotaryOp), t => Rotary(t, true), [2, 3, 2, 9]),
    ];

    private static IEnumerable<OperationCase> Losses =>
    [
        new("cross_entropy", typeof(CrossEntropyOp), t => Loss(t, CrossEntropyOptions.Plain), [4, 5]),
        new("cross_entropy, sum", typeof(CrossEntropyOp), t => Loss(t, CrossEntropyOptions.Plain, LossReduction.Sum), [4, 5]),
        new("cross_entropy, a loss a row", typeof(CrossEntropyOp), t => Loss(t, CrossEntropyOptions.Plain, LossReduction.None), [4, 5]),
        new("cross_entropy, smoothed", typeof(CrossEntropyOp), t => Loss(t, CrossEntropyOptions.Plain with { Smoothing = 0.2 }), [4, 5]),
        new("cross_entropy, z-loss", typeof(CrossEntropyOp), t => Loss(t, CrossEntropyOptions.Plain with { ZLoss = 0.1 }), [4, 5]),
        new("cross_entropy, capped", typeof(CrossEntropyOp), t => Loss(t, CrossEntropyOptions.Plain with { Softcap = 2 }), [4, 5]),
        new("cross_entropy, everything", typeof(CrossEntropyOp), t => Loss(t, new CrossEntropyOptions(3, 0.1, 0.05, 3), weighted: true), [4, 5]),
        new("cross_entropy, class weights", typeof(CrossEntropyOp), t => Loss(t, CrossEntropyOptions.Plain, weighted: true), [4, 5]),
        new("linear_cross_entropy", typeof(LinearCrossEntropyOp), t => Fused(t, CrossEntropyOptions.Plain), [4, 3], [5, 3]),
        new("linear_cross_entropy, frozen head", typeof(LinearCrossEntropyOp), t => Fused(t, CrossEntropyOptions.Plain), [4, 3], [5, 3]) { Frozen = [1] },
        new("linear_cross_entropy, head alone", typeof(LinearCrossEntropyOp), t => Fused(t, CrossEntropyOptions.Plain), [4, 3], [5, 3]) { Frozen = [0] },
        new("linear_cross_entropy, capped", typeof(LinearCrossEntropyOp), t => Fused(t, new CrossEntropyOptions(-100, 0.1, 0.05, 2)), [4, 3], [5, 3]),
        new("linear_cross_entropy, frozen and capped", typeof(LinearCrossEntropyOp), t => Fused(t, new CrossEntropyOptions(-100, 0.1, 0.05, 2)), [4, 3], [5, 3]) { Frozen = [1] },
    ];

    private static IEnumerable<OperationCase> Attention =>
    [
        Attends("attention", new AttentionOptions(0.5), [2, 3, 2, 4], [2, 5, 2, 4], [2, 5, 2, 4]),
        Attends("attention, causal", new AttentionOptions(0.5, Causality.BottomRight), [1, 4, 2, 3], [1, 4, 2, 3], [1, 4, 2, 3]),
        Attends("attention, causal, longer keys", new AttentionOptions(0.5, Causality.BottomRight), [1, 3, 2, 3], [1, 5, 2, 3], [1, 5, 2, 3]),
        Attends("attention, causal, fewer keys", new AttentionOptions(0.5, Causality.BottomRight), [1, 5, 2, 3], [1, 3, 2, 3], [1, 3, 2, 3]),
        Attends("attention, top left", new AttentionOptions(0.5, Causality.TopLeft), [1, 3, 2, 3], [1, 5, 2, 3], [1, 5, 2, 3]),
        Attends("attention, top left, window", new AttentionOptions(0.5, Causality.TopLeft, 1), [1, 4, 2, 3], [1, 6, 2, 3], [1, 6, 2, 3]),
        Attends("attention, window", new AttentionOptions(0.5, Causality.BottomRight, 1), [1, 5, 2, 3], [1, 5, 2, 3], [1, 5, 2, 3]),
        Attends("attention, window of both sides", new AttentionOptions(0.5, Causality.None, 1, 2), [1, 5, 2, 3], [1, 6, 2, 3], [1, 6, 2, 3]),
        Attends("attention, capped", new AttentionOptions(0.5, Causality.None, Softcap: 1.5), [2, 3, 2, 4], [2, 3, 2, 4], [2, 3, 2, 4]),
        Attends("attention, grouped", new AttentionOptions(0.5, Causality.BottomRight), [2, 3, 4, 3], [2, 3, 2, 3], [2, 3, 2, 5]),
        Attends("attention, one key head", new AttentionOptions(0.5), [2, 3, 4, 3], [2, 3, 1, 3], [2, 3, 1, 2]),
        new("attention, keys padded", typeof(AttentionOp), t => With(t, new AttentionOptions(0.5), i => new(KeyMask: i.Integers(new Shape(2, 4), 1, 1, 0, 0, 0, 1, 1, 1))),
            [2, 3, 2, 3], [2, 4, 2, 3], [2, 4, 2, 3]),
        new("attention, full mask with an empty row", typeof(AttentionOp),
            t => With(t, new AttentionOptions(0.5), i => new(FullMask: i.Integers(new Shape(2, 1, 2, 3), 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 1, 1))), [2, 2, 2, 3], [2, 3, 2, 3], [2, 3, 2, 3]),
        new("attention, bias a head", typeof(AttentionOp), t => With(t, new AttentionOptions(0.5), i => new(Bias: i[3])), [2, 2, 2, 3], [2, 3, 2, 3], [2, 3, 2, 3], [1, 2, 2, 3]),
        new("attention, bias an example", typeof(AttentionOp), t => With(t, new AttentionOptions(0.5), i => new(Bias: i[3])), [2, 2, 2, 3], [2, 3, 2, 3], [2, 3, 2, 3], [2, 1, 1, 3]),
        new("attention, sinks", typeof(AttentionOp), t => With(t, new AttentionOptions(0.5, Causality.BottomRight), i => new(Sinks: i[3])), [2, 3, 2, 3], [2, 3, 1, 3], [2, 3, 1, 3], [2]),
        new("attention, slopes", typeof(AttentionOp), t => With(t, new AttentionOptions(0.5, Causality.BottomRight), i => new(Slopes: i.Constant(new Shape(2), 0.5, 0.25))),
            [2, 3, 2, 3], [2, 4, 2, 3], [2, 4, 2, 3]),
        new("attention, packed", typeof(AttentionOp), t => Packed(t, Causality.None, -1), [1, 6, 2, 3], [1, 6, 2, 3], [1, 6, 2, 3]),
        new("attention, packed and causal", typeof(AttentionOp), t => Packed(t, Causality.BottomRight, -1), [1, 6, 2, 3], [1, 6, 1, 3], [1, 6, 1, 3]),
        new("attention, packed, window", typeof(AttentionOp), t => Packed(t, Causality.BottomRight, 1), [1, 6, 2, 3], [1, 6, 2, 3], [1, 6, 2, 3]),
        new("attention, packed, top left", typeof(AttentionOp), t => Packed(t, Causality.TopLeft, -1), [1, 6, 2, 3], [1, 6, 2, 3], [1, 6, 2, 3]),
        new("attention, heads before positions", typeof(AttentionOp), t => With(t, new AttentionOptions(0.5, Causality.BottomRight), _ => new(), permute: true),
            [2, 2, 3, 4], [2, 2, 3, 4], [2, 2, 3, 4]),
        new("attention, everything", typeof(AttentionOp),
            t => With(t, new AttentionOptions(0.5, Causality.BottomRight, 3, -1, 4), i => new(
                KeyMask: i.Integers(new Shape(2, 4), 1, 1, 0, 1, 0, 1, 1, 1), Bias: i[3], Slopes: i.Constant(new Shape(2), 0.5, 0.25), Sinks: i[4])),
            [2, 3, 2, 3], [2, 4, 1, 3], [2, 4, 1, 5], [1, 2, 3, 4], [2]),
        new("attention, only queries trained", typeof(AttentionOp), t => With(t, new AttentionOptions(0.5), _ => new()), [1, 3, 2, 3], [1, 3, 2, 3], [1, 3, 2, 3]) { Frozen = [1, 2] },
        new("attention, only values trained", typeof(AttentionOp), t => With(t, new AttentionOptions(0.5), _ => new()), [1, 3, 2, 3], [1, 3, 2, 3], [1, 3, 2, 3]) { Frozen = [0, 1] },
    ];

    private static IEnumerable<OperationCase> Shapes =>
    [
        new("reshape", typeof(Reshape), t => Unary.Apply<Square>(Reshape.Apply(t[0], new Shape(4, 3))), [2, 6]),
        new("reshape of a transpose", typeof(Reshape), t => Reshape.Apply(Permute.Apply(t[0], 1, 0), new Shape(3, 4)), [2, 6]),
        new("permute", typeof(Permute), t => Unary.Apply<Square>(Permute.Apply(t[0], 2, 0, 1)), [2, 3, 4]),
        new("contiguous", typeof(Contiguous), t => Contiguous.Apply(Permute.Apply(t[0], 1, 0)), [2, 3]),
        new("slice", typeof(Slice), t => Unary.Apply<Square>(Slice.Apply(t[0], 1, 1, 2)), [2, 4, 3]),
        new("slices that overlap", typeof(Slice), t => Binary.Apply<Mul>(Slice.Apply(t[0], 0, 0, 3), Slice.Apply(t[0], 0, 1, 3)), [4, 3]),
        new("split", typeof(Split), SplitProduct, [2, 8]),
        new("concat", typeof(Concat), t => Unary.Apply<Square>(Concat.Apply(1, t[0], t[1])), [2, 3, 2], [2, 1, 2]),
        new("concat of one tensor with itself", typeof(Concat), t => Unary.Apply<Square>(Concat.Apply(-1, t[0], t[0])), [2, 3]),
        new("cumulative sum", typeof(CumulativeSum), t => Unary.Apply<Square>(CumulativeSum.Apply(t[0])), [3, 7]),
        new("cumulative sum of a middle axis", typeof(CumulativeSum), t => Unary.Apply<Square>(CumulativeSum.Apply(t[0], 1)), [2, 5, 3]),
        new("sort", typeof(SortOp), t => Unary.Apply<Square>(SortOp.Apply(t[0]).Values), [3, 7]),
        new("sort of the first axis, the greatest first", typeof(SortOp), t => Unary.Apply<Square>(SortOp.Apply(t[0], 0, descending: true).Values), [6, 3]),
        new("top 3", typeof(TopK), t => Unary.Apply<Square>(TopK.Apply(t[0], 3).Values), [4, 8]),
        new("concat, the first frozen", typeof(Concat), t => Concat.Apply(0, t[0], t[1]), [2, 3], [1, 3]) { Frozen = [0] },
        new("expand", typeof(Expand), t => Unary.Apply<Square>(Expand.Apply(Unary.Apply<Square>(t[0]), new Shape(2, 3, 4))), [3, 1]),
        new("expand, one copy", typeof(Expand), t => Binary.Apply<Mul>(Expand.Apply(Unary.Apply<Square>(t[0]), new Shape(1, 3)), t[0]), [3]),
        new("split, a piece unused", typeof(Split), t => Split.Apply(t[0], 2, 3, 2)[1], [2, 7]),
    ];

    // Axes of no length: nothing is computed, nothing is refused, and every gradient has its shape.
    private static IEnumerable<OperationCase> Empty =>
    [
        new("silu of nothing", typeof(Unary), t => Unary.Apply<Silu>(t[0]), [0]),
        Of<Add>("add a row to no rows", [0, 3], [3]),
        Of<Mul>("mul over an empty axis", [2, 0], [2, 1]),
        new("dropout of nothing", typeof(Dropout), t => Dropout.Apply(t[0], 0.4), [0, 7]),
        new("matmul, an empty sum", typeof(MatMul), t => MatMul.Apply(t[0], t[1]), [2, 0], [0, 3]),
        new("matmul, no rows", typeof(MatMul), t => MatMul.Apply(t[0], t[1]), [0, 4], [4, 3]),
        new("matmul, no batches", typeof(MatMul), t => MatMul.Apply(t[0], t[1]), [0, 2, 3], [0, 3, 2]),
        new("linear of no rows", typeof(LinearOp), t => LinearOp.Apply(t[0], t.Weight(1), t.Weight(2)), [0, 5], [4, 5], [4]),
        new("lora of no rows", typeof(LoraLinearOp), t => Lora(t, 0.4), [0, 5], [4, 5], [4], [2, 5], [4, 2]) { Frozen = [1, 2] },
        new("embedding of no ids", typeof(EmbeddingOp), t => EmbeddingOp.Apply(t.Weight(0), t.Integers(new Shape(0))), [7, 3]),
        new("embedding of one id", typeof(EmbeddingOp), t => EmbeddingOp.Apply(t.Weight(0), t.Integers(new Shape(), 4)), [7, 3]),
        new("rms_norm of no rows", typeof(RmsNormOp), t => RmsNormOp.Apply(t[0], t[1], 1e-6), [0, 5], [5]),
        new("layer_norm of no rows", typeof(LayerNormOp), t => LayerNormOp.Apply(t[0], t[1], t[2], 1e-5), [2, 0, 5], [5], [5]),
        new("softmax of no rows", typeof(SoftmaxOp), t => SoftmaxOp.Apply(t[0]), [0, 5]),
        new("softmax of a vector", typeof(SoftmaxOp), t => SoftmaxOp.Apply(t[0], log: true), [5]),
        new("cross_entropy of no rows", typeof(CrossEntropyOp), t => CrossEntropyOp.Apply(t[0], t.Integers(new Shape(0)), CrossEntropyOptions.Plain), [0, 5]),
        new("cross_entropy, every label ignored", typeof(CrossEntropyOp), t => CrossEntropyOp.Apply(t[0], t.Integers(new Shape(2), -100, -100), CrossEntropyOptions.Plain), [2, 5]),
        new("linear_cross_entropy of no rows", typeof(LinearCrossEntropyOp), t => LinearCrossEntropyOp.Apply(t[0], t.Weight(1), t.Integers(new Shape(0)), CrossEntropyOptions.Plain), [0, 3], [5, 3]),
        new("linear_cross_entropy, every label ignored", typeof(LinearCrossEntropyOp),
            t => LinearCrossEntropyOp.Apply(t[0], t.Weight(1), t.Integers(new Shape(2), -100, -100), CrossEntropyOptions.Plain), [2, 3], [5, 3]) { Frozen = [1] },
        Attends("attention of no queries", new AttentionOptions(0.5), [2, 0, 2, 3], [2, 4, 2, 3], [2, 4, 2, 3]),
        Attends("attention over no keys", new AttentionOptions(0.5), [2, 3, 2, 3], [2, 0, 2, 3], [2, 0, 2, 3]),
        Attends("attention of no examples", new AttentionOptions(0.5, Causality.BottomRight), [0, 3, 2, 3], [0, 3, 2, 3], [0, 3, 2, 3]),
        new("rotary of no positions", typeof(RotaryOp), t => RotaryOp.Apply(t[0], RotaryTable.Make(t.Integers(new Shape(2, 0)), [1, 0.3])), [2, 0, 2, 4]),
        new("reshape of nothing", typeof(Reshape), t => Reshape.Apply(t[0], new Shape(2, 0, 5)), [0, 4]),
        new("reshape to a scalar", typeof(Reshape), t => Reshape.Apply(t[0], new Shape()), [1, 1]),
        new("permute of nothing", typeof(Permute), t => Permute.Apply(t[0], 1, 0), [0, 4]),
        new("slice of no length", typeof(Slice), t => Slice.Apply(t[0], 1, 2, 0), [3, 4]),
        new("concat with nothing", typeof(Concat), t => Concat.Apply(0, t[0], t[1]), [0, 4], [2, 4]),
        new("split, a piece of no length", typeof(Split), t => Split.Apply(t[0], 2, 0, 2)[2], [3, 4]),
    ];

    private static OperationCase Of<TOp>(string name)
        where TOp : struct, IUnaryOp<None> => new(name, typeof(Unary), t => Unary.Apply<TOp>(t[0]), [3, 5]);

    private static OperationCase Of<TOp>(string name, int[] a, int[] b)
        where TOp : struct, IBinaryOp<None> => new(name, typeof(Binary), t => Binary.Apply<TOp>(t[0], t[1]), a, b);

    // One gradient is handed on to two tensors: it may not be added to in place.
    private static Tensor AddTwice(Trial t)
    {
        var x = Unary.Apply<Square>(t[0]);
        var sum = Binary.Apply<Add>(x, t[1]);
        return Binary.Apply<Add>(sum, Binary.Apply<Mul>(x, sum));
    }

    private static Tensor Lora(Trial t, double dropout, bool permute = false) =>
        LoraLinearOp.Apply(permute ? Permute.Apply(t[0], 1, 0, 2) : t[0], t.Weight(1), t.Weight(2), t.Weight(3), t.Weight(4), 1.5f, dropout);

    // Row 1 gets no gradient; that its value does not move the loss either is why the row is never read here.
    private static Tensor EmbeddingPadded(Trial t) => EmbeddingOp.Apply(t.Weight(0), t.Integers(new Shape(4), 2, 4, 2, 0), paddingIndex: 1);

    private static Tensor Rotary(Trial t, bool interleaved)
    {
        var table = RotaryTable.Make(t.Integers(new Shape(2, 3), 0, 1, 2, 5, 6, 9), [1, 0.3, 0.1], 1.1);
        return RotaryOp.Apply(t[0], table, interleaved);
    }

    private static Tensor Loss(Trial t, CrossEntropyOptions options, LossReduction reduction = LossReduction.Mean, bool weighted = false) =>
        CrossEntropyOp.Apply(t[0], t.Integers(new Shape(4), 1, options.IgnoreIndex, 4, 0), options, reduction,
            weighted ? t.Constant(new Shape(5), 0.5, 1.5, 1, 2, 0.25) : null);

    private static Tensor Fused(Trial t, CrossEntropyOptions options) =>
        LinearCrossEntropyOp.Apply(t[0], t.Weight(1), t.Integers(new Shape(4), 1, -100, 4, 0), options, chunkRows: 3);

    private static OperationCase Attends(string name, AttentionOptions options, int[] q, int[] k, int[] v) =>
        new(name, typeof(AttentionOp), t => With(t, options, _ => new()), q, k, v);

    private static Tensor With(Trial t, AttentionOptions options, Func<Trial, AttentionExtras> extras, bool permute = false)
    {
        Tensor Input(int n) => permute ? Permute.Apply(t[n], 0, 2, 1, 3) : t[n];
        return AttentionOp.Apply(Input(0), Input(1), Input(2), options, extras(t));
    }

    // Sequences of 2, 0 and 4 queries over 3, 0 and 3 keys.
    private static Tensor Packed(Trial t, Causality causality, int window) => With(t, new AttentionOptions(0.5, causality, window),
        i => new(CuSeqlensQ: i.Integers(new Shape(4), 0, 2, 2, 6), CuSeqlensK: i.Integers(new Shape(4), 0, 3, 3, 6)));

    private static Tensor SplitProduct(Trial t)
    {
        var pieces = Split.Apply(t[0], 3, 2, 3);
        return Binary.Apply<Mul>(pieces[0], pieces[2]);
    }
}
