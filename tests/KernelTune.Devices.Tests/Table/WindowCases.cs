using KernelTune.Devices.Calls;

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

    public static IEnumerable<CallCase> All => [.. Folds];

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

    private static CallCase Of<TCall>(string name, Action<CallBench> run)
        where TCall : struct, ICall => new(typeof(TCall), name, run);
}
