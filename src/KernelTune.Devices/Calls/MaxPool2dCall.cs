using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>
/// y = the largest tap of each window, padding left out; NaN is the largest. Index: its place h·W + w in the plane, the first of equals. X: [B, C, H, W], Y: [B, C, Oh, Ow],
/// Index: I32 like Y, all dense. Every window has a tap in the plane. The composition takes planes of at most 2²⁴ elements.
/// </summary>
public readonly record struct MaxPool2dCall(View X, View Y, View Index, Window2d Window) : ICall
{
    public static string Name => "max_pool2d";

    public long Flops => Y.Elements * Window.Taps;

    public long Bytes => X.Bytes + Y.Bytes + Index.Bytes;

    public void Compose(Device device)
    {
        Check();
        var (windows, pooled) = (new Shape(X.Shape[0], X.Shape[1], Window.Taps, Window.Positions), new Shape(X.Shape[0], X.Shape[1], 1, Window.Positions));
        using var work = new Workspace(device, Name);
        var (taps, place) = (work.Take(windows, X.Type), work.Take(pooled, X.Type));
        var places = Places(device, work, X, Window);
        var y = Y.Reshape(pooled);
        device.Run(new UnfoldCall(X, taps, Window, double.NegativeInfinity));
        device.Run(new ReduceCall(taps, y, 2, Reduction.Max));
        device.Run(new MapCall<PositionOf, None>(taps, default, default, taps, y.Broadcast(windows), places.Broadcast(windows), default, default));
        device.Run(new ReduceCall(taps, place, 2, Reduction.Min));
        device.Run(new CopyCall(place, Index.Reshape(pooled)));
    }

    /// <summary>Refuses a window without taps: there is no largest, and no element that the gradient would go to.</summary>
    public void Check()
    {
        if (!Window.MeetsPlane(X.Shape[2], X.Shape[3]))
            throw new ShapeException(Name, $"{Window} over planes {X.Shape}: a window lies in the padding alone");
    }

    /// <summary>The place of every tap in its plane, +∞ in the padding: [1, 1, taps, positions].</summary>
    internal static View Places(Device device, in Workspace work, in View planes, in Window2d window)
    {
        WholeNumbers.Check(Name, planes.Shape[2] * (long)planes.Shape[3], planes.Type);
        var plane = work.Take(new Shape(planes.Shape[2] * planes.Shape[3]), planes.Type);
        var places = work.Take(new Shape(1, 1, window.Taps, window.Positions), planes.Type);
        device.Run(new RampCall(plane, 0, 1));
        device.Run(new UnfoldCall(plane.Reshape(new Shape(1, 1, planes.Shape[2], planes.Shape[3])), places, window, double.PositiveInfinity));
        return places;
    }
}

/// <summary>dX of <see cref="MaxPool2dCall"/>, or dX += that: each dy goes to the element that its window took. DY: [B, C, Oh, Ow], Index: I32 like DY, DX: [B, C, H, W], all dense.</summary>
public readonly record struct MaxPool2dGradCall(View DY, View Index, View DX, Window2d Window, bool Accumulate = false) : ICall
{
    public static string Name => "max_pool2d_grad";

    public long Flops => DY.Elements;

    public long Bytes => DY.Bytes + Index.Bytes + DX.Bytes;

    public void Compose(Device device)
    {
        var (windows, pooled) = (new Shape(DX.Shape[0], DX.Shape[1], Window.Taps, Window.Positions), new Shape(DX.Shape[0], DX.Shape[1], 1, Window.Positions));
        using var work = new Workspace(device, Name);
        var (taps, place) = (work.Take(windows, DX.Type), work.Take(pooled, DX.Type));
        var places = MaxPool2dCall.Places(device, work, DX, Window);
        device.Run(new CopyCall(Index.Reshape(pooled), place));
        device.Run(new MapCall<WhereSame, None>(taps, default, default, places.Broadcast(windows), place.Broadcast(windows), DY.Reshape(pooled).Broadcast(windows), default, default));
        device.Run(new FoldCall(taps, DX, Window, Accumulate));
    }
}
