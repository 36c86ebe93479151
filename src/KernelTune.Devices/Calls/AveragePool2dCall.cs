using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>What an average divides by.</summary>
/// <param name="CountsPadding">True: padding counts, but nothing beyond it. False: elements of the plane alone.</param>
/// <param name="Bottom">Rows of padding below the plane.</param>
/// <param name="Right">Columns of padding behind the plane.</param>
/// <param name="Divisor">Another divisor for every window; 0: none.</param>
public readonly record struct AverageOptions(bool CountsPadding = true, int Bottom = 0, int Right = 0, double Divisor = 0);

/// <summary>y = the sum of each window over its divisor. X: [B, C, H, W], Y: [B, C, Oh, Ow], dense.</summary>
public readonly record struct AveragePool2dCall(View X, View Y, Window2d Window, AverageOptions Options) : ICall
{
    public static string Name => "average_pool2d";

    public long Flops => Y.Elements * Window.Taps;

    public long Bytes => X.Bytes + Y.Bytes;

    public void Compose(Device device)
    {
        using var work = new Workspace(device, Name);
        var taps = work.Take(new Shape(X.Shape[0], X.Shape[1], Window.Taps, Window.Positions), X.Type);
        var y = Y.Reshape(new Shape(X.Shape[0], X.Shape[1], 1, Window.Positions));
        device.Run(new UnfoldCall(X, taps, Window));
        device.Run(new ReduceCall(taps, y, 2, Reduction.Sum));
        Divide(device, work, y, y, X.Shape, Window, Options);
    }

    /// <summary>to = from / the divisor of each position. from, to: [B, C, 1, positions].</summary>
    internal static void Divide(Device device, in Workspace work, in View from, in View to, Shape planes, Window2d window, AverageOptions options)
    {
        if (options.Divisor != 0)
        {
            device.Run(MapCall.Unary<Scale, ScaleParams>(to, from, new ScaleParams(1 / options.Divisor)));
            return;
        }

        // The divisor is the sum of a window over ones: over the plane, or over the plane with its padding.
        var (height, width) = (planes[2], planes[3]);
        if (options.CountsPadding)
        {
            (height, width) = (height + window.Top + options.Bottom, width + window.Left + options.Right);
            window = window with { Top = 0, Left = 0 };
        }
        var ones = work.Take(new Shape(1, 1, height, width), from.Type);
        var (taps, counts) = (work.Take(new Shape(1, 1, window.Taps, window.Positions), from.Type), work.Take(new Shape(1, 1, 1, window.Positions), from.Type));
        device.Run(new FillCall(ones, 1));
        device.Run(new UnfoldCall(ones, taps, window));
        device.Run(new ReduceCall(taps, counts, 2, Reduction.Sum));
        device.Run(MapCall.Binary<Div, None>(to, from, counts.Broadcast(from.Shape)));
    }
}

/// <summary>dX of <see cref="AveragePool2dCall"/>, or dX += that: each dy over its divisor goes to every tap of its window. DY: [B, C, Oh, Ow], DX: [B, C, H, W], dense.</summary>
public readonly record struct AveragePool2dGradCall(View DY, View DX, Window2d Window, AverageOptions Options, bool Accumulate = false) : ICall
{
    public static string Name => "average_pool2d_grad";

    public long Flops => DY.Elements * Window.Taps;

    public long Bytes => DY.Bytes + DX.Bytes;

    public void Compose(Device device)
    {
        using var work = new Workspace(device, Name);
        var dy = DY.Reshape(new Shape(DX.Shape[0], DX.Shape[1], 1, Window.Positions));
        var shares = work.Like(dy);
        AveragePool2dCall.Divide(device, work, dy, shares, DX.Shape, Window, Options);
        device.Run(new FoldCall(shares.Broadcast(new Shape(DX.Shape[0], DX.Shape[1], Window.Taps, Window.Positions)), DX, Window, Accumulate));
    }
}
