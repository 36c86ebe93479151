using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Tests.Table;

/// <summary>The table of calls. Small shapes for options and strides, and sizes beside the edges of tiles, vectors and threads.</summary>
internal static class CallCases
{
    public static IEnumerable<CallCase> All => [.. Memory, .. Maps, .. Products, .. Rows, .. Losses, .. AttentionCases.All, .. WindowCases.All, .. OrderCases.All, .. Steps];

    private static IEnumerable<CallCase> Memory =>
    [
        Of<FillCall>("dense", b => b.Run(new FillCall(b.Out(3, 70), 1.5))),
        Of<FillCall>("integers", b => b.Run(new FillCall(b.Out(DType.I64, 5), -100))),
        Of<FillCall>("a column", b => b.Run(new FillCall(b.InOut(5, 7).Slice(1, 2, 3), 2))),
        Of<RampCall>("from −3 in steps of a half", b => b.Run(new RampCall(b.Out(100), -3, 0.5))),
        Of<RampCall>("integers", b => b.Run(new RampCall(b.Out(DType.I64, 9), 4, 1))),
        Of<CopyCall>("dense", b => b.Run(new CopyCall(b.In(4, 33), b.Out(4, 33)))),
        Of<CopyCall>("a transpose", b => b.Run(new CopyCall(b.In(37, 70).Transpose(0, 1), b.Out(70, 37)))),
        Of<CopyCall>("heads before positions", b => b.Run(new CopyCall(b.In(2, 5, 3, 16).Transpose(1, 2), b.Out(2, 3, 5, 16)))),
        Of<CopyCall>("broadcast", b => b.Run(new CopyCall(b.In(1, 5).Broadcast(new Shape(3, 4, 5)), b.Out(3, 4, 5)))),
        Of<CopyCall>("into a slice", b => b.Run(new CopyCall(b.In(3, 4), b.InOut(3, 9).Slice(1, 2, 4)))),
        Of<CopyCall>("integers to real numbers", b => b.Run(new CopyCall(b.Integers(new Shape(4), -100, 0, 7, 49151), b.Out(4)))),
        Of<CopyCall>("real numbers to integers, towards zero", b => b.Run(new CopyCall(b.Given(new Shape(4), -1.7, 0, 2.9, 49151.5), b.Out(DType.I64, 4)))),
        Of<CopyCall>("to 16 bits and back", b =>
        {
            var half = b.Out(DType.BF16, 3, 50);
            b.Run(new CopyCall(b.In(3, 50), half));
            b.Run(new CopyCall(half, b.Out(3, 50)));
        }),
        Of<CopyCall>("nothing", b => b.Run(new CopyCall(b.In(0, 4), b.Out(0, 4)))),
        Of<ReduceCall>("sum of rows", b => b.Run(new ReduceCall(b.In(7, 300), b.Out(7, 1), 1, Reduction.Sum))),
        Of<ReduceCall>("sum of columns", b => b.Run(new ReduceCall(b.In(300, 37), b.Out(1, 37), 0, Reduction.Sum))),
        Of<ReduceCall>("sum of a middle axis", b => b.Run(new ReduceCall(b.In(3, 40, 5), b.Out(3, 1, 5), 1, Reduction.Sum))),
        Of<ReduceCall>("squares", b => b.Run(new ReduceCall(b.In(7, 300), b.Out(7, 1), 1, Reduction.SumOfSquares))),
        Of<ReduceCall>("squares in double", b => b.Run(new ReduceCall(b.In(1, 70_000), b.Out(DType.F64, 1, 1), 1, Reduction.SumOfSquares))) with { Relative = 1e-7 },
        Of<ReduceCall>("doubles", b => b.Run(new ReduceCall(b.Given(new Shape(4), DType.F64, 1e16, 1, -1e16, 3), b.Out(DType.F64, 1), 0, Reduction.Sum))),
        Of<ReduceCall>("maximum of rows", b => b.Run(new ReduceCall(b.In(7, 300), b.Out(7, 1), 1, Reduction.Max))),
        Of<ReduceCall>("minimum of columns", b => b.Run(new ReduceCall(b.In(70, 37), b.Out(1, 37), 0, Reduction.Min))),
        Of<ReduceCall>("maximum with −∞", b => b.Run(new ReduceCall(b.Given(new Shape(2, 3), double.NegativeInfinity, double.NegativeInfinity, double.NegativeInfinity, 1, double.NegativeInfinity, 0),
            b.Out(2, 1), 1, Reduction.Max))),
        Of<ReduceCall>("added to what is there", b => b.Run(new ReduceCall(b.In(70, 37), b.InOut(1, 37), 0, Reduction.Sum, true))),
        Of<ReduceCall>("rows added to what is there", b => b.Run(new ReduceCall(b.In(5, 37), b.InOut(5, 1), 1, Reduction.Sum, true))),
        Of<ReduceCall>("nothing", b =>
        {
            b.Run(new ReduceCall(b.In(3, 0), b.Out(3, 1), 1, Reduction.Sum));
            b.Run(new ReduceCall(b.In(3, 0), b.Out(3, 1), 1, Reduction.Max));
        }),
        .. from reduction in Enum.GetValues<Reduction>()
           select Of<ReduceCall>($"{reduction} of a long row and of a strided one", b =>
           {
               b.Run(new ReduceCall(b.In(1, 50_000), b.Out(1, 1), 1, reduction));
               b.Run(new ReduceCall(b.In(9000, 3).Select(1, 1), b.Out(1), 0, reduction));
           }) with { Absolute = 1e-4 },
        Of<ReduceCall>("of a transpose", b => b.Run(new ReduceCall(b.In(40, 9).Transpose(0, 1), b.Out(9, 1), 1, Reduction.Sum))),
        Of<ArgMaxCall>("rows", b => b.Run(new ArgMaxCall(b.In(5, 200), b.Out(DType.I64, 5)))),
        Of<ArgMaxCall>("the first of equals", b => b.Run(new ArgMaxCall(b.Given(new Shape(2, 5), 1, 3, 2, 3, 0, -1, -1, -1, -1, -1), b.Out(DType.I64, 2)))),
        Of<GatherCall>("rows", b => b.Run(new GatherCall(b.In(40, 19), b.Integers(new Shape(6), 0, 39, 7, 7, 3, 31), b.Out(6, 19)))),
        Of<GatherCall>("rows of panels", b => b.Run(new GatherCall(b.Weight(70, 19), b.Integers(new Shape(6), 0, 69, 32, 31, 3, 64), b.Out(6, 19)))),
        Of<GatherCall>("no ids", b => b.Run(new GatherCall(b.In(4, 3), b.Integers(new Shape(0)), b.Out(0, 3)))),
        Of<ScatterAddCall>("repeated rows", b => b.Run(new ScatterAddCall(b.In(6, 19), b.Integers(new Shape(6), 0, 9, 3, 3, 3, 0), b.InOut(10, 19)))),
        Of<ScatterAddCall>("a padding row", b => b.Run(new ScatterAddCall(b.In(5, 3), b.Integers(new Shape(5), 1, 2, 1, 0, 2), b.InOut(4, 3), 2))),
        Of<PackCall>("there and back", b => RoundTrip(b, transposed: false)) with { WantsPanels = true, Absolute = 0, Relative = 0 },
        Of<PackCall>("a transpose", b => RoundTrip(b, transposed: true)) with { WantsPanels = true, Absolute = 0, Relative = 0 },
        Of<PackCodesCall>("there and back", CodesThereAndBack) with { WantsPanels = true, Absolute = 0, Relative = 0 },
        Of<UnpackCall>("into a transpose", b =>
        {
            var packed = b.Weight(45, 33).Packed!;
            b.Run(new UnpackCall(packed, b.Out(33, 45).Transpose(0, 1)));
        }) with { WantsPanels = true, Absolute = 0, Relative = 0 },
        Of<RandomCall>("uniform numbers", b => b.Run(new RandomCall(b.Out(1037), new RandomPlace(0x123456789ABCDEF, 99, 4, 2)))) with { Absolute = 0, Relative = 0 },
        Of<DropoutCall>("a tenth", b => b.Run(new DropoutCall(b.In(17, 61), b.Out(17, 61), 0.1, new RandomPlace(7, 99, 4, 2)))) with { Absolute = 0 },
        Of<DropoutCall>("in place", b =>
        {
            var x = b.InOut(17, 61);
            b.Run(new DropoutCall(x, x, 0.5, new RandomPlace(7, 99, 4, 2)));
        }) with { Absolute = 0 },
    ];

    private static IEnumerable<CallCase> Maps =>
    [
        Of("add, a row over rows", b => b.Run(MapCall.Binary<Add, None>(b.Out(5, 67), b.In(5, 67), b.In(67).Broadcast(new Shape(5, 67))))),
        Of("mul, a column over columns", b => b.Run(MapCall.Binary<Mul, None>(b.Out(5, 67), b.In(5, 67), b.In(5, 1).Broadcast(new Shape(5, 67))))),
        Of("sub of transposes", b => b.Run(MapCall.Binary<Sub, None>(b.Out(70, 33), b.In(33, 70).Transpose(0, 1), b.In(33, 70).Transpose(0, 1)))),
        Of("silu in place", b =>
        {
            var x = b.InOut(5, 67);
            b.Run(MapCall.Unary<Silu, None>(x, x));
        }),
        Of("gelu", b => b.Run(MapCall.Unary<Gelu, None>(b.Out(1000), b.Between(-6, 6, 1000)))),
        Of("tanh of a slice", b => b.Run(MapCall.Unary<Tanh, None>(b.Out(6, 9), b.In(6, 30).Slice(1, 4, 9)))),
        Of("swiglu's two gradients", b => b.Run(MapCall.BinaryGrad<SwiGlu, None>(b.Out(5, 67), b.Out(5, 67), b.Between(-3, 3, 5, 67), b.In(5, 67), b.In(5, 67)))),
        Of("gelu_tanh's gradient, added", b => MapCall.UnaryGrad<GeluTanh, None>(b.Device, b.InOut(5, 67), true, b.Between(-3, 3, 5, 67), b.In(5, 67))),
        Of("exp of many", b => b.Run(MapCall.Unary<Exp, None>(b.Out(70_000), b.In(70_000)))),
        Of("doubles", b => b.Run(MapCall.Unary<Sqrt, None>(b.Out(DType.F64, 3), b.Given(new Shape(3), DType.F64, 2, 1e-300, 4)))) with { Absolute = 0, Relative = 1e-15 },
        Of("gelu_tanh of a long row", b => b.Run(MapCall.Unary<GeluTanh, None>(b.Out(70_001), b.Between(-4, 4, 70_001)))),
        Of("a row and a turned block", b =>
        {
            var (shape, y) = (new Shape(3, 7, 33), b.Out(3, 7, 33));
            b.Run(MapCall.Binary<Mul, None>(y, b.In(3, 7, 33), b.In(33).Broadcast(shape)));
            b.Run(MapCall.Binary<Add, None>(y, y, b.In(33, 7, 3).Permute(2, 1, 0)));
        }),
        Of("into a column", b => b.Run(MapCall.Unary<Exp, None>(b.InOut(40, 3).Select(1, 1), b.In(40)))),
        Of("a scalar", b => b.Run(MapCall.Unary<Exp, None>(b.Out(), b.In()))),
    ];

    private static IEnumerable<CallCase> Products =>
    [
        .. from sizes in (int[][])[[1, 1, 1], [3, 5, 4], [1, 300, 129], [67, 131, 65], [33, 1, 7], [130, 257, 96]]
           from layout in (string[])["NN", "NT", "TN", "TT"]
           select Of<MatMulCall>($"{layout} {sizes[0]}×{sizes[1]}×{sizes[2]}", b => b.Run(new MatMulCall(
               layout[0] == 'N' ? b.In(sizes[0], sizes[1]) : b.In(sizes[1], sizes[0]).Transpose(0, 1),
               layout[1] == 'N' ? b.In(sizes[1], sizes[2]) : b.In(sizes[2], sizes[1]).Transpose(0, 1), b.Out(sizes[0], sizes[2])))) with { Absolute = 2e-5 },
        Of<MatMulCall>("added to what is there", b => b.Run(new MatMulCall(b.In(35, 40), b.In(40, 33), b.InOut(35, 33), true))),
        Of<MatMulCall>("batches", b => b.Run(new MatMulCall(b.In(2, 3, 9, 20), b.In(2, 3, 20, 17), b.Out(2, 3, 9, 17)))),
        Of<MatMulCall>("one matrix for every batch", b => b.Run(new MatMulCall(b.In(4, 9, 20), b.In(20, 17).Broadcast(new Shape(4, 20, 17)), b.Out(4, 9, 17)))),
        Of<MatMulCall>("heads of positions", b => b.Run(new MatMulCall(b.In(2, 9, 3, 20).Transpose(1, 2), b.In(2, 8, 3, 20).Transpose(1, 2).Transpose(2, 3), b.Out(2, 9, 3, 8).Transpose(1, 2)))),
        Of<MatMulCall>("into a transpose", b => b.Run(new MatMulCall(b.In(35, 40), b.In(40, 33), b.Out(33, 35).Transpose(0, 1)))),
        Of<MatMulCall>("operands without a dense axis", b => b.Run(new MatMulCall(b.In(20, 30, 2).Select(2, 1), b.In(30, 2, 9).Select(1, 0), b.Out(20, 9)))),
        Of<MatMulCall>("an empty sum", b => b.Run(new MatMulCall(b.In(3, 0), b.In(0, 4), b.Out(3, 4)))),
        Of<MatMulCall>("no rows", b => b.Run(new MatMulCall(b.In(0, 5), b.In(5, 4), b.Out(0, 4)))),
        .. from rows in (int[])[1, 2, 9, 70]
           select Of<LinearCall>($"{rows} rows over a kept weight", b => b.Run(new LinearCall(b.In(rows, 100), b.Weight(75, 100), b.In(75), b.Out(rows, 75)))) with { Absolute = 2e-5 },
        Of<LinearCall>("dense weight, no bias", b => b.Run(new LinearCall(b.In(9, 100), b.In(75, 100), default, b.Out(9, 75)))) with { Absolute = 2e-5 },
        Of<LinearCall>("weight stored [in, out]", b => b.Run(new LinearCall(b.In(9, 100), b.In(100, 75).Transpose(0, 1), b.In(75), b.Out(9, 75)))) with { Absolute = 2e-5 },
        Of<LinearCall>("added, with a low-rank term", b => b.Run(new LinearCall(b.In(9, 100), b.Weight(75, 100), b.In(75), b.InOut(9, 75), true, new LowRankTerm(b.In(9, 8), b.In(75, 8), 1.5f)))) with
        {
            Absolute = 2e-5,
        },
        Of<LinearCall>("one row with a low-rank term", b => b.Run(new LinearCall(b.In(1, 100), b.Weight(75, 100), default, b.Out(1, 75), false, new LowRankTerm(b.In(1, 3), b.In(75, 3), 2)))) with
        {
            Absolute = 2e-5,
        },
        Of<LinearCall>("rows with gaps", b => b.Run(new LinearCall(b.In(9, 130).Slice(1, 10, 100), b.Weight(75, 100), b.In(75), b.Out(9, 75)))) with { Absolute = 2e-5 },
        Of<LinearGradInputCall>("over a kept weight", b => b.Run(new LinearGradInputCall(b.In(9, 75), b.Weight(75, 100), b.Out(9, 100)))) with { Absolute = 2e-5 },
        Of<LinearGradInputCall>("added, dense weight", b => b.Run(new LinearGradInputCall(b.In(9, 75), b.In(75, 100), b.InOut(9, 100), true))) with { Absolute = 2e-5 },
        Of<LinearGradInputCall>("one row", b => b.Run(new LinearGradInputCall(b.In(1, 75), b.Weight(75, 100), b.Out(1, 100)))) with { Absolute = 2e-5 },
    ];

    private static IEnumerable<CallCase> Rows =>
    [
        .. from c in (int[])[1, 7, 64, 579]
           select Of<RmsNormCall>($"{c} channels", b => b.Run(new RmsNormCall(b.In(5, c), b.In(c), b.Out(5, c), b.Out(5), 1e-6))),
        Of<RmsNormCall>("1 + weight", b => b.Run(new RmsNormCall(b.In(5, 37), b.In(37), b.Out(5, 37), b.Out(5), 1e-5, 1))),
        Of<RmsNormCall>("no weight", b => b.Run(new RmsNormCall(b.In(5, 37), default, b.Out(5, 37), b.Out(5), 1e-5))),
        Of<RmsNormCall>("rows that are not dense", b => b.Run(new RmsNormCall(b.In(64, 20).Transpose(0, 1), b.In(64), b.Out(20, 64), b.Out(20), 1e-5))),
        Of<RmsNormGradInputCall>("overwritten", b => b.Run(new RmsNormGradInputCall(b.In(5, 67), b.In(67), b.Between(0.5, 2, 5), b.In(5, 67), b.Out(5, 67)))),
        Of<RmsNormGradInputCall>("added, 1 + weight", b => b.Run(new RmsNormGradInputCall(b.In(5, 67), b.In(67), b.Between(0.5, 2, 5), b.In(5, 67), b.InOut(5, 67), 1, true))),
        Of<RmsNormGradInputCall>("no weight", b => b.Run(new RmsNormGradInputCall(b.In(5, 67), default, b.Between(0.5, 2, 5), b.In(5, 67), b.Out(5, 67)))),
        Of<RmsNormGradWeightCall>("overwritten", b => b.Run(new RmsNormGradWeightCall(b.In(50, 67), b.Between(0.5, 2, 50), b.In(50, 67), b.Out(67)))),
        Of<RmsNormGradWeightCall>("added", b => b.Run(new RmsNormGradWeightCall(b.In(50, 67), b.Between(0.5, 2, 50), b.In(50, 67), b.InOut(67), true))),
        .. from c in (int[])[1, 7, 64, 579]
           select Of<LayerNormCall>($"{c} channels", b => b.Run(new LayerNormCall(b.In(5, c), b.In(c), b.In(c), b.Out(5, c), b.Out(5), b.Out(5), 1e-5))) with { Absolute = c == 1 ? 1e-4 : 1e-5 },
        Of<LayerNormCall>("plain", b => b.Run(new LayerNormCall(b.In(5, 37), default, default, b.Out(5, 37), b.Out(5), b.Out(5), 1e-5))),
        Of<LayerNormGradInputCall>("overwritten", b => b.Run(new LayerNormGradInputCall(b.In(5, 67), b.In(67), b.In(5), b.Between(0.5, 2, 5), b.In(5, 67), b.Out(5, 67)))),
        Of<LayerNormGradInputCall>("added, no weight", b => b.Run(new LayerNormGradInputCall(b.In(5, 67), default, b.In(5), b.Between(0.5, 2, 5), b.In(5, 67), b.InOut(5, 67), true))),
        Of<LayerNormGradWeightCall>("both", b => b.Run(new LayerNormGradWeightCall(b.In(50, 67), b.In(50), b.Between(0.5, 2, 50), b.In(50, 67), b.Out(67), b.Out(67)))),
        Of<LayerNormGradWeightCall>("both added", b => b.Run(new LayerNormGradWeightCall(b.In(50, 67), b.In(50), b.Between(0.5, 2, 50), b.In(50, 67), b.InOut(67), b.InOut(67), true, true))),
        Of<LayerNormGradWeightCall>("weight alone", b => b.Run(new LayerNormGradWeightCall(b.In(50, 67), b.In(50), b.Between(0.5, 2, 50), b.In(50, 67), b.Out(67), default))),
        Of<LayerNormGradWeightCall>("bias alone", b => b.Run(new LayerNormGradWeightCall(b.In(50, 67), b.In(50), b.Between(0.5, 2, 50), b.In(50, 67), default, b.Out(67)))),
        .. from log in (bool[])[false, true]
           from c in (int[])[1, 9, 1037]
           select Of<SoftmaxCall>($"{(log ? "log of " : "")}{c}", b => b.Run(new SoftmaxCall(b.Between(-4, 4, 5, c), b.Out(5, c), log))),
        Of<SoftmaxCall>("in place", b =>
        {
            var x = b.InOut(5, 67);
            b.Run(new SoftmaxCall(x, x));
        }),
        Of<SoftmaxCall>("a row of −∞, zeros", b => b.Run(new SoftmaxCall(HalfHidden(b), b.Out(2, 3), EmptyIsZero: true))),
        Of<SoftmaxCall>("a row of −∞, NaN", b => b.Run(new SoftmaxCall(HalfHidden(b), b.Out(2, 3)))),
        Of<SoftmaxGradCall>("overwritten", b => b.Run(new SoftmaxGradCall(b.Between(0, 0.1, 5, 67), b.In(5, 67), b.Out(5, 67)))),
        Of<SoftmaxGradCall>("added", b => b.Run(new SoftmaxGradCall(b.Between(0, 0.1, 5, 67), b.In(5, 67), b.InOut(5, 67), Accumulate: true))),
        Of<SoftmaxGradCall>("of the logarithm, added", b => b.Run(new SoftmaxGradCall(b.Between(-5, -3, 5, 67), b.In(5, 67), b.InOut(5, 67), true, true))),
        Of<RotaryTableCall>("far positions", b => b.Run(new RotaryTableCall(b.Integers(new Shape(4), 0, 1, 4095, 8003), b.Given(new Shape(3), DType.F64, 1, 0.3, 1e-4), b.Out(4, 3), b.Out(4, 3), 1.1))) with
        {
            Absolute = 1e-6,
        },
        .. from interleaved in (bool[])[false, true]
           from inverse in (bool[])[false, true]
           from width in (int[])[32, 39]
           select Of<RotaryCall>($"{width} channels{(interleaved ? ", interleaved" : "")}{(inverse ? ", back" : "")}",
               b => b.Run(new RotaryCall(b.In(2, 5, 3, width), b.In(2, 5, 16), b.In(2, 5, 16), b.Out(2, 5, 3, width), interleaved, inverse))),
        Of<RotaryCall>("in place, one table for the batch", b =>
        {
            var x = b.InOut(2, 5, 3, 20);
            var shape = new Shape(2, 5, 8);
            b.Run(new RotaryCall(x, b.In(1, 5, 8).Broadcast(shape), b.In(1, 5, 8).Broadcast(shape), x));
        }),
        Of<RotaryCall>("heads before positions", b =>
            b.Run(new RotaryCall(b.In(2, 3, 5, 16).Transpose(1, 2), b.In(2, 5, 8), b.In(2, 5, 8), b.Out(2, 3, 5, 16).Transpose(1, 2)))),
    ];

    private static IEnumerable<CallCase> Losses =>
    [
        .. from v in (int[])[5, 300, 4099]
           select Of<CrossEntropyCall>($"{v} classes", b => b.Run(new CrossEntropyCall(b.Between(-4, 4, 4, v), Labels(b), default, b.Out(4), b.Out(4), CrossEntropyOptions.Plain))),
        Of<CrossEntropyCall>("everything", b => b.Run(new CrossEntropyCall(b.Between(-4, 4, 4, 37), Labels(b), b.Between(0.5, 2, 37), b.Out(4), b.Out(4), new CrossEntropyOptions(-100, 0.1, 0.01, 3)))),
        Of<CrossEntropyCall>("a hidden class", b => b.Run(new CrossEntropyCall(
            b.Given(new Shape(2, 3), 1, double.NegativeInfinity, 0.5, 0, 2, double.NegativeInfinity), b.Integers(new Shape(2), 2, 1), default, b.Out(2), b.Out(2), CrossEntropyOptions.Plain))),
        .. from v in (int[])[5, 300, 4099]
           select Of<CrossEntropyGradCall>($"{v} classes", b => LossGradient(b, v, default, CrossEntropyOptions.Plain)),
        Of<CrossEntropyGradCall>("one scale, in place", b => LossGradient(b, 300, default, CrossEntropyOptions.Plain, inPlace: true)),
        Of<CrossEntropyGradCall>("capped, in place", b => LossGradient(b, 300, default, CrossEntropyOptions.Plain with { Softcap = 3 }, inPlace: true)),
        Of<CrossEntropyGradCall>("smoothed", b => LossGradient(b, 37, default, CrossEntropyOptions.Plain with { Smoothing = 0.1 })),
        Of<CrossEntropyGradCall>("z-loss", b => LossGradient(b, 37, default, CrossEntropyOptions.Plain with { ZLoss = 0.01 })),
        Of<CrossEntropyGradCall>("class weights", b => LossGradient(b, 37, b.Between(0.5, 2, 37), CrossEntropyOptions.Plain)),
        Of<CrossEntropyGradCall>("everything", b => LossGradient(b, 37, b.Between(0.5, 2, 37), new CrossEntropyOptions(-100, 0.1, 0.01, 3))),
    ];

    private static IEnumerable<CallCase> Steps =>
    [
        Update<AdamW>(2), Update<Adam>(2), Update<Lion>(1), Update<Sgd>(0), Update<SgdMomentum>(1), Update<SgdNesterov>(1),
        Blockwise<AdamW>(1037, 2), Blockwise<Lion>(1037, 1), Blockwise<SgdMomentum>(1037, 1), Blockwise<AdamW>(33_000, 2), Blockwise<AdamW>(3, 2), Blockwise<AdamW>(512, 2),
        Of<ClipFactorCall>("beyond the limit", b => b.Run(new ClipFactorCall(b.Given(new Shape(3), DType.F64, 9, 16, 0), b.Out(1), b.Out(1), 1))),
        Of<ClipFactorCall>("within", b => b.Run(new ClipFactorCall(b.Given(new Shape(3), DType.F64, 9, 16, 0), b.Out(1), b.Out(1), 50))),
        Of<ClipFactorCall>("no limit", b => b.Run(new ClipFactorCall(b.Given(new Shape(3), DType.F64, 9, 16, 0), b.Out(1), b.Out(1), 0))),
    ];

    private static UpdateSettings Settings => new(0.9, 0.999, 1e-8, 0.01, 0.3);

    private static CallCase Update<TRule>(int states)
        where TRule : struct, IUpdateRule => Of<UpdateCall<TRule>>(TRule.Name, b => b.Run(new UpdateCall<TRule>(b.InOut(1037), b.In(1037), states > 0 ? b.InOut(1037) : default,
            states > 1 ? Squared(b) : default, b.Given(new Shape(4), 1e-3, 0.1, 0.001, 0.5), Settings)));

    private static CallCase Blockwise<TRule>(int n, int states)
        where TRule : struct, IUpdateRule => Of<BlockwiseUpdateCall<TRule>>($"{TRule.Name} of {n}", b =>
        {
            var (p, g) = (b.InOut(n), b.In(n));
            var (m, magnitudesM) = Coded(b, n, 37, 0.02);
            var (v, magnitudesV) = states > 1 ? Coded(b, n, 101, 3e-4) : default;
            var levels = b.Given(new Shape(2, 256), DType.F32, [.. CodeTables.Dynamic(true).Concat(CodeTables.Dynamic(false)).Select(l => (double)l)]);
            b.Run(new BlockwiseUpdateCall<TRule>(p, g, m, v, magnitudesM, magnitudesV, levels, b.Given(new Shape(4), 1e-3, 0.1, 0.001, 0.5), Settings));
        });

    // Every code, and a last block that is all zeros.
    private static (View Codes, View Magnitudes) Coded(CallBench b, int n, int stride, double magnitude)
    {
        int blocks = (n + 255) / 256;
        return (b.Changed(b.Given(new Shape(n), DType.U8, [.. Enumerable.Range(0, n).Select(i => (double)(i * stride % 256))])),
            b.Changed(b.Given(new Shape(blocks), DType.F32, [.. Enumerable.Range(0, blocks).Select(i => i == blocks - 1 ? 0 : magnitude * (i + 1))])));
    }

    private static CallCase Of<TCall>(string name, Action<CallBench> run)
        where TCall : struct, ICall => new(typeof(TCall), name, run);

    private static CallCase Of(string name, Action<CallBench> run) => new(typeof(MapCall<,>), name, run);

    private static View Labels(CallBench b) => b.Integers(new Shape(4), 1, -100, 4, 0);

    // The gradient is given the forward's own lse.
    private static void LossGradient(CallBench b, int classes, View weight, CrossEntropyOptions options, bool inPlace = false)
    {
        var logits = inPlace ? b.InOut(4, classes) : b.Between(-4, 4, 4, classes);
        var (labels, loss, lse) = (Labels(b), b.Out(4), b.Out(4));
        b.Device.Run(new CrossEntropyCall(logits, labels, weight, loss, lse, options));
        b.Run(new CrossEntropyGradCall(logits, labels, weight, lse, b.In(inPlace ? 1 : 4), inPlace ? logits : b.Out(4, classes), options));
    }

    private static View HalfHidden(CallBench b) =>
        b.Given(new Shape(2, 3), double.NegativeInfinity, double.NegativeInfinity, double.NegativeInfinity, 1, double.NegativeInfinity, 2);

    // A second moment is not negative.
    private static View Squared(CallBench b)
    {
        var v = b.InOut(1037);
        b.Device.Run(MapCall.Unary<Square, None>(v, v));
        return v;
    }

    private static void RoundTrip(CallBench b, bool transposed)
    {
        var (n, k) = (75, 33);
        var w = transposed ? b.In(k, n).Transpose(0, 1) : b.In(n, k);
        var packed = new PackedMatrix(b.Keep(b.Device.Allocate(PackedMatrix.BytesFor(n, k), Category.PackedCopies)), n, k);
        b.Run(new PackCall(w, packed));
        var (back, zeros) = (b.Out(n, k), b.Out(n, k));
        b.Device.Run(new UnpackCall(packed, back));
        b.Device.Run(MapCall.Binary<Sub, None>(zeros, back, Dense(b, w)));
    }

    // 45 rows of 48: blocks of 64 run across rows. What comes back is what the codes stand for.
    private static void CodesThereAndBack(CallBench b)
    {
        var (n, k) = (45, 48);
        var storage = new FourBitStorage(FourBitType.Nf4, 64, false);
        var numbers = new float[n * k];
        b.Device.Read<float>(b.In(n, k), numbers);
        var codes = FourBitWeight.Quantize(FourBitType.Nf4, numbers, [n, k]);
        var packed = new PackedMatrix(b.Keep(b.Device.Allocate(storage.BytesFor(n, k)!.Value, Category.QuantizedWeights)), n, k, storage);
        View Kept(Shape shape, DType type) => new(b.Keep(b.Device.Allocate(shape.Elements * type.Size(), Category.Workspace)), type, shape);
        var (bytes, magnitudes) = (Kept(new Shape(codes.Packed.Length), DType.U8), Kept(new Shape(codes.AbsMax.Length), DType.F32));
        b.Device.Write<byte>(bytes, codes.Packed);
        b.Device.Write<float>(magnitudes, codes.AbsMax);
        b.Run(new PackCodesCall(bytes, magnitudes, packed, 0, n));
        var (back, zeros, wanted) = (b.Out(n, k), b.Out(n, k), b.Out(n, k));
        codes.Dequantize(0, numbers);
        b.Device.Write<float>(wanted, numbers);
        b.Device.Run(new UnpackCall(packed, back));
        b.Device.Run(MapCall.Binary<Sub, None>(zeros, back, wanted));
    }

    private static View Dense(CallBench b, View w)
    {
        var dense = b.Out(w.Shape.ToArray());
        b.Device.Run(new CopyCall(w, dense));
        return dense;
    }
}
