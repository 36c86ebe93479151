using KernelTune.Devices;
using KernelTune.Devices.Calls;

namespace KernelTune.Autograd.Ops;

/// <summary>The windows of planes as columns, im2col. x: [B, C, H, W]; y: [B, C·Kh·Kw, positions].</summary>
public static class UnfoldOp
{
    public static Tensor Apply(Tensor x, (int Height, int Width) kernel, Conv2dGeometry geometry)
    {
        var window = geometry.Window(x.Shape, kernel.Height, kernel.Width);
        var y = x.Session.New(new Shape(x.Shape[0], x.Shape[1] * window.Taps, window.Positions));
        x.Device.Run(new UnfoldCall(x.View, FoldOp.Windows(y.View, x.Shape[1], window), window));
        return x.Session.Record("unfold", y, [x], new Backward(x, window));
    }

    private sealed class Backward(Tensor x, Window2d window) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            var into = gradients.Into(x);
            gradients.Device.Run(new FoldCall(FoldOp.Windows(gradOutputs[0], x.Shape[1], window), into.View, window, into.Accumulate));
        }
    }
}

/// <summary>Columns of windows added up in planes, col2im. x: [B, C·Kh·Kw, positions]; y: [B, C, height, width].</summary>
public static class FoldOp
{
    /// <exception cref="ShapeException">x has not as many taps and positions as the window over such planes.</exception>
    public static Tensor Apply(Tensor x, int height, int width, (int Height, int Width) kernel, Conv2dGeometry geometry)
    {
        int taps = kernel.Height * kernel.Width;
        if (x.Shape.Length != 3 || taps < 1 || x.Shape[1] % taps != 0)
            throw new ShapeException("fold", $"x {x.Shape} must be [B, C·{taps}, positions]");
        x = Contiguous.Apply(x);
        var planes = new Shape(x.Shape[0], x.Shape[1] / taps, height, width);
        var window = geometry.Window(planes, kernel.Height, kernel.Width);
        if (window.Positions != x.Shape[2])
            throw new ShapeException("fold", $"x {x.Shape} has {x.Shape[2]} positions; planes {planes} have {window.Positions}");
        var y = x.Session.New(planes);
        x.Device.Run(new FoldCall(Windows(x.View, planes[1], window), y.View, window));
        return x.Session.Record("fold", y, [x], new Backward(x, window));
    }

    internal static View Windows(in View columns, int channels, in Window2d window) => columns.Reshape(new Shape(columns.Shape[0], channels, window.Taps, window.Positions));

    private sealed class Backward(Tensor x, Window2d window) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            var dx = gradients.Begin(x);
            gradients.Device.Run(new UnfoldCall(gradOutputs[0], Windows(dx, gradOutputs[0].Shape[1], window), window));
            gradients.Finish(x, dx);
        }
    }
}
