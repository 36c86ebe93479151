using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Autograd.Ops;

/// <summary>How a pool's window moves over planes [H, W]. Pairs are (height, width); the padding is the same on both sides.</summary>
public sealed record Pool2dGeometry
{
    public required (int Height, int Width) Kernel { get; init; }

    /// <summary>Elements from window to window; (0, 0): the kernel's size.</summary>
    public (int Height, int Width) Stride { get; init; }

    public (int Height, int Width) Padding { get; init; }

    public (int Height, int Width) Dilation { get; init; } = (1, 1);

    /// <summary>True: a last window may reach beyond the padded plane, but does not begin there.</summary>
    public bool CeilMode { get; init; }

    /// <summary>The window over planes.</summary>
    /// <exception cref="ShapeException">No window fits, or a setting is out of its range.</exception>
    public Window2d Window(string operation, Shape planes)
    {
        var stride = Stride == (0, 0) ? Kernel : Stride;
        if (planes.Length != 4 || Kernel.Height < 1 || Kernel.Width < 1 || stride.Height < 1 || stride.Width < 1 || Dilation.Height < 1 || Dilation.Width < 1
            || Padding.Height < 0 || Padding.Width < 0 || Padding.Height > Kernel.Height / 2 || Padding.Width > Kernel.Width / 2)
            throw new ShapeException(operation, $"kernel {Kernel}, stride {stride}, padding {Padding}, dilation {Dilation} over {planes}: [B, C, H, W] and padding of half a kernel at most wanted");
        int rows = Positions(planes[2], Kernel.Height, stride.Height, Padding.Height, Dilation.Height);
        int columns = Positions(planes[3], Kernel.Width, stride.Width, Padding.Width, Dilation.Width);
        if (rows < 1 || columns < 1)
            throw new ShapeException(operation, $"kernel {Kernel}, dilation {Dilation}, does not fit into {planes} with padding {Padding}");
        return new Window2d(Kernel.Height, Kernel.Width, stride.Height, stride.Width, Dilation.Height, Dilation.Width, Padding.Height, Padding.Width, rows, columns);
    }

    private int Positions(int length, int kernel, int stride, int padding, int dilation)
    {
        int room = length + (2 * padding) - (dilation * (kernel - 1)) - 1;
        if (room < 0 && (!CeilMode || room <= -stride))
            return 0;
        int positions = (CeilMode ? (room + stride - 1) / stride : room / stride) + 1;
        return CeilMode && (positions - 1) * stride >= length + padding ? positions - 1 : positions;
    }
}

/// <summary>y = the largest element of each window; the first of equals has the gradient. x: [B, C, H, W].</summary>
public static class MaxPool2dOp
{
    public static Tensor Apply(Tensor x, Pool2dGeometry geometry) => Apply(x, geometry, out _);

    /// <param name="x">[B, C, H, W].</param>
    /// <param name="geometry">The window.</param>
    /// <param name="index">I32 like y: the place h·W + w of each maximum.</param>
    /// <exception cref="ShapeException">The window does not fit, or lies in the padding alone somewhere.</exception>
    public static Tensor Apply(Tensor x, Pool2dGeometry geometry, out Tensor index)
    {
        var window = geometry.Window("max_pool2d", x.Shape);
        x = Contiguous.Apply(x);
        var shape = new Shape(x.Shape[0], x.Shape[1], window.Rows, window.Columns);
        var y = x.Session.New(shape);
        index = x.Session.New(shape, DType.I32);
        x.Device.Run(new MaxPool2dCall(x.View, y.View, index.View, window));
        return x.Session.Record("max_pool2d", y, [x], new Backward(x, index, window), index);
    }

    private sealed class Backward(Tensor x, Tensor index, Window2d window) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            var into = gradients.Into(x);
            gradients.Device.Run(new MaxPool2dGradCall(gradOutputs[0], index.View, into.View, window, into.Accumulate));
        }
    }
}

/// <summary>y = the mean of each window. x: [B, C, H, W].</summary>
public static class AveragePool2dOp
{
    /// <param name="x">[B, C, H, W].</param>
    /// <param name="geometry">The window; its dilation is 1.</param>
    /// <param name="countsPadding">Whether padding counts in the divisor.</param>
    /// <param name="divisor">Another divisor; null: the number of elements.</param>
    /// <exception cref="ShapeException">The window does not fit.</exception>
    public static Tensor Apply(Tensor x, Pool2dGeometry geometry, bool countsPadding = true, double? divisor = null)
    {
        if (geometry.Dilation != (1, 1) || divisor == 0)
            throw new ShapeException("average_pool2d", $"dilation {geometry.Dilation}, divisor {divisor}: dilation 1 and a divisor other than 0 wanted");
        var window = geometry.Window("average_pool2d", x.Shape);
        var options = new AverageOptions(countsPadding, geometry.Padding.Height, geometry.Padding.Width, divisor ?? 0);
        x = Contiguous.Apply(x);
        var y = x.Session.New(new Shape(x.Shape[0], x.Shape[1], window.Rows, window.Columns));
        x.Device.Run(new AveragePool2dCall(x.View, y.View, window, options));
        return x.Session.Record("average_pool2d", y, [x], new Backward(x, window, options));
    }

    private sealed class Backward(Tensor x, Window2d window, AverageOptions options) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            var into = gradients.Into(x);
            gradients.Device.Run(new AveragePool2dGradCall(gradOutputs[0], into.View, window, options, into.Accumulate));
        }
    }
}

/// <summary>y = the mean of each of height·width cells of the planes. x: [B, C, H, W]; y: [B, C, height, width].</summary>
public static class AdaptiveAveragePool2dOp
{
    /// <exception cref="ShapeException">x is not [B, C, H, W], or has no elements.</exception>
    public static Tensor Apply(Tensor x, int height, int width)
    {
        AdaptiveShape.Check("adaptive_average_pool2d", x, height, width);
        x = Contiguous.Apply(x);
        var y = x.Session.New(new Shape(x.Shape[0], x.Shape[1], height, width));
        x.Device.Run(new AdaptiveAveragePool2dCall(x.View, y.View));
        return x.Session.Record("adaptive_average_pool2d", y, [x], new Backward(x));
    }

    private sealed class Backward(Tensor x) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            var into = gradients.Into(x);
            gradients.Device.Run(new AdaptiveAveragePool2dGradCall(gradOutputs[0], into.View, into.Accumulate));
        }
    }
}

/// <summary>y = the largest element of each of height·width cells of the planes; the first of equals has the gradient. x: [B, C, H, W]; y: [B, C, height, width].</summary>
public static class AdaptiveMaxPool2dOp
{
    /// <exception cref="ShapeException">x is not [B, C, H, W], or has no elements.</exception>
    public static Tensor Apply(Tensor x, int height, int width)
    {
        AdaptiveShape.Check("adaptive_max_pool2d", x, height, width);
        x = Contiguous.Apply(x);
        var shape = new Shape(x.Shape[0], x.Shape[1], height, width);
        var (y, index) = (x.Session.New(shape), x.Session.New(shape, DType.I32));
        x.Device.Run(new AdaptiveMaxPool2dCall(x.View, y.View, index.View));
        return x.Session.Record("adaptive_max_pool2d", y, [x], new Backward(x, index), index);
    }

    private sealed class Backward(Tensor x, Tensor index) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            var into = gradients.Into(x);
            gradients.Device.Run(new AdaptiveMaxPool2dGradCall(gradOutputs[0], index.View, into.View, into.Accumulate));
        }
    }
}

file static class AdaptiveShape
{
    public static void Check(string operation, Tensor x, int height, int width)
    {
        if (x.Shape.Length != 4 || height < 1 || width < 1 || x.Shape[2] < 1 || x.Shape[3] < 1)
            throw new ShapeException(operation, $"x {x.Shape} to {height}×{width}: planes [B, C, H, W] with elements wanted");
    }
}
