using KernelTune.Devices.Calls;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Tests.Table;

/// <summary>Calls whose operands are planes [H, W] under a sliding window.</summary>
internal static class WindowCases
{
    /// <summary>(name, height, width, window): strides, dilation, padding on one side, positions beyond the plane.</summary>
    internal static readonly (string Name, int Height, int Width, Window2d Window)[] Windows =
    [
        ("1×1", 4, 9, new(1, 1, 1, 1, 1, 1, 0, 0, 4, 9)),
        ("3×3, padded", 9, 37, new(3, 3, 1, 1, 1, 1, 1, 1, 9, 37)),
        ("3×3 of stride 2", 9, 8, new(3, 3, 2, 2, 1, 1, 1, 1, 5, 4)),
        ("7×7 of stride 2", 23, 21, new(7, 7, 2, 2, 1, 1, 3, 3, 12, 11)),
        ("1×1 of stride 2", 7, 9, new(1, 1, 2, 2, 1, 1, 0, 0, 4, 5)),
        ("dilated, uneven", 11, 12, new(3, 2, 1, 2, 2, 3, 1, 0, 9, 5)),
        ("'same' with an even kernel", 8, 7, new(4, 3, 1, 1, 1, 1, 1, 1, 8, 7)),
        ("beyond the plane", 8, 10, new(3, 3, 2, 2, 1, 1, 1, 1, 5, 6)),
        ("stride beyond the kernel", 10, 10, new(3, 3, 3, 4, 1, 1, 0, 0, 3, 2)),
    ];

    public static IEnumerable<CallCase> All => [.. Folds, .. Convolutions, .. Norms, .. Pools];

    private static IEnumerable<CallCase> Folds =>
    [
        .. from w in Windows
           select Of<UnfoldCall>(w.Name, b => b.Run(new UnfoldCall(b.In(2, 3, w.Height, w.Width), b.Out(2, 3, w.Window.Taps, w.Window.Positions), w.Window))) with { Absolute = 0, Relative = 0 },
        Of<UnfoldCall>("padding of −∞, strided planes", b => b.Run(new UnfoldCall(b.In(2, 5, 3, 6).Permute(0, 2, 3, 1), b.Out(2, 3, 20, 9).Transpose(2, 3),
            new Window2d(3, 3, 2, 2, 1, 1, 1, 1, 4, 5), double.NegativeInfinity))) with { Absolute = 0, Relative = 0 },
        .. from w in Windows
           select Of<FoldCall>(w.Name, b => b.Run(new FoldCall(b.In(2, 3, w.Window.Taps, w.Window.Positions), b.Out(2, 3, w.Height, w.Width), w.Window))),
        Of<FoldCall>("added, strided planes", b => b.Run(new FoldCall(b.In(2, 3, 20, 9).Transpose(2, 3), b.InOut(2, 5, 3, 6).Permute(0, 2, 3, 1),
            new Window2d(3, 3, 2, 2, 1, 1, 1, 1, 4, 5), true))),
    ];

    // (channels, outputs, groups): few and many of each, depthwise, with a multiplier.
    private static IEnumerable<(string Name, int Height, int Width, Window2d Window, int Channels, int Outputs, int Groups)> Geometries =>
    [
        .. from w in Windows select (w.Name, w.Height, w.Width, w.Window, 3, 5, 1),
        ("3×3, 40 by 70", 12, 11, new(3, 3, 1, 1, 1, 1, 1, 1, 12, 11), 40, 70, 1),
        ("3×3 of stride 2, 19 by 33", 13, 14, new(3, 3, 2, 2, 1, 1, 1, 1, 7, 7), 19, 33, 1),
        ("1×1, 65 by 17", 7, 7, new(1, 1, 1, 1, 1, 1, 0, 0, 7, 7), 65, 17, 1),
        ("1×1 of stride 2, 17 by 33", 8, 9, new(1, 1, 2, 2, 1, 1, 0, 0, 4, 5), 17, 33, 1),
        ("three groups", 7, 8, new(3, 3, 1, 1, 1, 1, 1, 1, 7, 8), 6, 9, 3),
        ("depthwise", 9, 11, new(3, 3, 1, 1, 1, 1, 1, 1, 9, 11), 8, 8, 8),
        ("depthwise, two outputs a channel, stride 2", 9, 11, new(3, 3, 2, 2, 1, 1, 1, 1, 5, 6), 4, 8, 4),
        ("sums in several passes", 6, 5, new(3, 3, 1, 1, 1, 1, 1, 1, 6, 5), 200, 33, 1),
        ("3×3 over planes of one element", 1, 1, new(3, 3, 1, 1, 1, 1, 1, 1, 1, 1), 20, 15, 1),
        ("the first tap always in the padding", 4, 5, new(2, 2, 10, 1, 3, 3, 1, 1, 1, 4), 3, 4, 1),
        ("both first taps always in the padding", 4, 4, new(2, 2, 10, 10, 3, 3, 1, 1, 1, 1), 3, 4, 1),
        ("3×3 of stride 2 over 2×1", 2, 1, new(3, 3, 2, 2, 1, 1, 1, 1, 1, 1), 6, 8, 2),
        ("5×5, dilated, over less than it reaches", 3, 4, new(5, 5, 1, 1, 3, 2, 6, 4, 3, 4), 4, 5, 1),
        ("1×1 of many images in one panel", 2, 3, new(1, 1, 1, 1, 1, 1, 0, 0, 2, 3), 20, 15, 1),
        ("patches", 16, 24, new(8, 8, 8, 8, 1, 1, 0, 0, 2, 3), 3, 10, 1),
    ];

    private static IEnumerable<CallCase> Convolutions =>
    [
        .. from g in Geometries
           from bias in (bool[])[false, true]
           select Of<Conv2dCall>($"{g.Name}{(bias ? ", bias" : "")}", b => b.Run(new Conv2dCall(b.In(2, g.Channels, g.Height, g.Width), Kernel(b, g.Outputs, g.Channels / g.Groups, g.Window),
               bias ? b.In(g.Outputs) : default, b.Out(2, g.Outputs, g.Window.Rows, g.Window.Columns), g.Window, g.Groups))) with { Absolute = 2e-5 },
        .. from g in Geometries
           from add in (bool[])[false, true]
           select Of<Conv2dGradInputCall>($"{g.Name}{(add ? ", added" : "")}", b => b.Run(new Conv2dGradInputCall(b.In(2, g.Outputs, g.Window.Rows, g.Window.Columns),
               Kernel(b, g.Outputs, g.Channels / g.Groups, g.Window), add ? b.InOut(2, g.Channels, g.Height, g.Width) : b.Out(2, g.Channels, g.Height, g.Width), g.Window, g.Groups, add))) with
           {
               Absolute = 2e-5,
           },
        .. from g in Geometries
           from add in (bool[])[false, true]
           select Of<Conv2dGradWeightCall>($"{g.Name}{(add ? ", added" : "")}", b => b.Run(new Conv2dGradWeightCall(b.In(2, g.Channels, g.Height, g.Width),
               b.In(2, g.Outputs, g.Window.Rows, g.Window.Columns), Gradient(b, add, g.Outputs, g.Channels / g.Groups, g.Window), g.Window, g.Groups, add))) with { Absolute = 4e-5 },
    ];

    /// <summary>Planes so large that images are taken one by one, and sums so long that rounding shows. Too much for a simulated device.</summary>
    internal static IEnumerable<CallCase> LargePlanes
    {
        get
        {
            var window = new Window2d(3, 3, 2, 2, 1, 1, 1, 1, 300, 310);
            yield return Of<Conv2dCall>("large planes", b => b.Run(new Conv2dCall(b.In(2, 3, 600, 620), b.In(4, 3, 3, 3), default, b.Out(2, 4, 300, 310), window)));
            yield return Of<Conv2dGradInputCall>("large planes", b => b.Run(new Conv2dGradInputCall(b.In(2, 12, 300, 310), b.In(12, 3, 3, 3), b.Out(2, 3, 600, 620), window)));
            yield return Of<Conv2dGradWeightCall>("large planes", b => b.Run(new Conv2dGradWeightCall(b.In(2, 3, 600, 620), b.In(2, 4, 300, 310), b.Out(4, 3, 3, 3), window))) with { Absolute = 1e-3 };
        }
    }

    private static IEnumerable<CallCase> Norms =>
    [
        .. from shape in (int[][])[[4, 3, 35], [7, 5, 1], [1, 6, 600], [3, 2, 17]]
           from call in NormsOf(shape[0], shape[1], shape[2])
           select call,
        Of<BatchNormCall>("plain", b => b.Run(new BatchNormCall(b.In(2, 3, 9), b.In(3), b.Between(0.5, 2, 3), default, default, b.Out(2, 3, 9)))),
        Of<BatchNormGradInputCall>("plain, added", b => b.Run(new BatchNormGradInputCall(b.In(2, 3, 9), b.In(3), b.Between(0.5, 2, 3), default, b.In(2, 3, 9), b.In(3), b.In(3), b.InOut(2, 3, 9), true))),
    ];

    private static IEnumerable<CallCase> NormsOf(int n, int c, int l) =>
    [
        Of<BatchStatisticsCall>($"[{n}, {c}, {l}]", b => b.Run(new BatchStatisticsCall(b.Between(2, 3, n, c, l), b.Out(c), b.Out(c)))),
        Of<BatchNormCall>($"[{n}, {c}, {l}]", b => b.Run(new BatchNormCall(b.In(n, c, l), b.In(c), b.Between(0.5, 2, c), b.In(c), b.In(c), b.Out(n, c, l)))),
        Of<BatchNormGradSumsCall>($"[{n}, {c}, {l}]", b => b.Run(new BatchNormGradSumsCall(b.In(n, c, l), b.In(c), b.Between(0.5, 2, c), b.In(n, c, l), b.Out(c), b.Out(c)))) with { Absolute = 5e-5 },
        Of<BatchNormGradInputCall>($"[{n}, {c}, {l}]", b => b.Run(new BatchNormGradInputCall(b.In(n, c, l), b.In(c), b.Between(0.5, 2, c), b.In(c), b.In(n, c, l), b.In(c), b.In(c), b.Out(n, c, l)))),
        Of<BatchNormGradInputCall>($"[{n}, {c}, {l}], constants, added", b => b.Run(new BatchNormGradInputCall(b.In(n, c, l), b.In(c), b.Between(0.5, 2, c), b.In(c), b.In(n, c, l), default, default,
            b.InOut(n, c, l), true))),
    ];

    private static IEnumerable<CallCase> Pools =>
    [
        .. from w in Windows.Where(w => w.Name is not "stride beyond the kernel")
           select Of<MaxPool2dCall>(w.Name, b => b.Run(new MaxPool2dCall(b.In(2, 3, w.Height, w.Width), b.Out(2, 3, w.Window.Rows, w.Window.Columns),
               b.Out(DType.I32, 2, 3, w.Window.Rows, w.Window.Columns), w.Window))) with { Absolute = 0, Relative = 0 },
        Of<MaxPool2dCall>("equals, −∞ and NaN", b => b.Run(new MaxPool2dCall(
            b.Given(new Shape(1, 1, 4, 4), 1, 1, double.NegativeInfinity, double.NegativeInfinity, 0, 1, double.NegativeInfinity, double.NegativeInfinity, 5, double.NaN, 3, 3, 7, 5, 3, 3),
            b.Out(1, 1, 2, 2), b.Out(DType.I32, 1, 1, 2, 2), new Window2d(2, 2, 2, 2, 1, 1, 0, 0, 2, 2)))) with { Absolute = 0, Relative = 0 },
        Of<MaxPool2dCall>("rows too long for the stack", b => b.Run(new MaxPool2dCall(b.In(1, 1, 4, 9000), b.Out(1, 1, 2, 4500), b.Out(DType.I32, 1, 1, 2, 4500),
            new Window2d(3, 3, 2, 2, 1, 1, 1, 1, 2, 4500)))) with { Absolute = 0, Relative = 0 },
        Of<MaxPool2dCall>("a window of −∞ behind padding", b => b.Run(new MaxPool2dCall(
            b.Given(new Shape(1, 1, 2, 3), double.NegativeInfinity, double.NegativeInfinity, 1, double.NegativeInfinity, double.NegativeInfinity, 0),
            b.Out(1, 1, 1, 2), b.Out(DType.I32, 1, 1, 1, 2), new Window2d(3, 3, 2, 2, 1, 1, 1, 1, 1, 2)))) with { Absolute = 0, Relative = 0 },
        .. from w in Windows
           from add in (bool[])[false, true]
           select Of<MaxPool2dGradCall>($"{w.Name}{(add ? ", added" : "")}", b =>
           {
               var index = b.Out(DType.I32, 2, 3, w.Window.Rows, w.Window.Columns);
               b.Device.Run(new MaxPool2dCall(b.In(2, 3, w.Height, w.Width), b.Out(2, 3, w.Window.Rows, w.Window.Columns), index, w.Window));
               b.Run(new MaxPool2dGradCall(b.In(2, 3, w.Window.Rows, w.Window.Columns), index, add ? b.InOut(2, 3, w.Height, w.Width) : b.Out(2, 3, w.Height, w.Width), w.Window, add));
           }),
        .. from w in Windows
           from options in (AverageOptions[])[new(true, w.Window.Top, w.Window.Left), new(false), new(Divisor: 2.5)]
           select Of<AveragePool2dCall>($"{w.Name}, {options}", b => b.Run(new AveragePool2dCall(b.In(2, 3, w.Height, w.Width), b.Out(2, 3, w.Window.Rows, w.Window.Columns), w.Window, options))),
        .. from w in Windows
           from options in (AverageOptions[])[new(true, w.Window.Top, w.Window.Left), new(false), new(Divisor: 2.5)]
           select Of<AveragePool2dGradCall>($"{w.Name}, {options}", b => b.Run(new AveragePool2dGradCall(b.In(2, 3, w.Window.Rows, w.Window.Columns), b.InOut(2, 3, w.Height, w.Width), w.Window,
               options, true))),
        .. from size in (int[][])[[1, 1], [3, 4], [9, 5], [7, 11]]
           from call in AdaptivesOf(size[0], size[1])
           select call,
    ];

    private static IEnumerable<CallCase> AdaptivesOf(int rows, int columns) =>
    [
        Of<AdaptiveAveragePool2dCall>($"7×11 to {rows}×{columns}", b => b.Run(new AdaptiveAveragePool2dCall(b.In(2, 3, 7, 11), b.Out(2, 3, rows, columns)))),
        Of<AdaptiveAveragePool2dGradCall>($"7×11 to {rows}×{columns}", b => b.Run(new AdaptiveAveragePool2dGradCall(b.In(2, 3, rows, columns), b.Out(2, 3, 7, 11)))),
        Of<AdaptiveAveragePool2dGradCall>($"7×11 to {rows}×{columns}, added", b => b.Run(new AdaptiveAveragePool2dGradCall(b.In(2, 3, rows, columns), b.InOut(2, 3, 7, 11), true))),
        Of<AdaptiveMaxPool2dCall>($"7×11 to {rows}×{columns}", b => b.Run(new AdaptiveMaxPool2dCall(b.In(2, 3, 7, 11), b.Out(2, 3, rows, columns), b.Out(DType.I32, 2, 3, rows, columns)))),
        Of<AdaptiveMaxPool2dGradCall>($"7×11 to {rows}×{columns}", b =>
        {
            var index = b.Out(DType.I32, 2, 3, rows, columns);
            b.Device.Run(new AdaptiveMaxPool2dCall(b.In(2, 3, 7, 11), b.Out(2, 3, rows, columns), index));
            b.Run(new AdaptiveMaxPool2dGradCall(b.In(2, 3, rows, columns), index, b.InOut(2, 3, 7, 11), true));
        }),
    ];

    private static View Kernel(CallBench b, int outputs, int channels, Window2d window) => b.In(outputs, channels, window.KernelHeight, window.KernelWidth);

    private static View Gradient(CallBench b, bool add, int outputs, int channels, Window2d window) =>
        add ? b.InOut(outputs, channels, window.KernelHeight, window.KernelWidth) : b.Out(outputs, channels, window.KernelHeight, window.KernelWidth);

    private static CallCase Of<TCall>(string name, Action<CallBench> run)
        where TCall : struct, ICall => new(typeof(TCall), name, run);
}
