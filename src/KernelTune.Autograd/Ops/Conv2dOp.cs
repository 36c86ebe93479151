using KernelTune.Devices;
using KernelTune.Devices.Calls;

namespace KernelTune.Autograd.Ops;

/// <summary>How a convolution's window moves over planes [H, W]. Pairs are (height, width).</summary>
public sealed record Conv2dGeometry
{
    /// <summary>Elements from position to position.</summary>
    public (int Height, int Width) Stride { get; init; } = (1, 1);

    /// <summary>Elements from tap to tap.</summary>
    public (int Height, int Width) Dilation { get; init; } = (1, 1);

    /// <summary>Zeros around the plane.</summary>
    public Padding2d Padding { get; init; }

    /// <summary>True: as many zeros as keep the plane's size, an odd one at the bottom and right. The stride is 1 then, and <see cref="Padding"/> of no account.</summary>
    public bool IsSame { get; init; }

    /// <summary>Groups of channels that do not see each other.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>The window of a kernel over planes.</summary>
    /// <exception cref="ShapeException">No position fits, or a setting is out of its range.</exception>
    public Window2d Window(Shape planes, int kernelHeight, int kernelWidth)
    {
        if (planes.Length != 4 || kernelHeight < 1 || kernelWidth < 1 || Stride.Height < 1 || Stride.Width < 1 || Dilation.Height < 1 || Dilation.Width < 1)
            throw new ShapeException("conv2d", $"a kernel of {kernelHeight}×{kernelWidth}, stride {Stride}, dilation {Dilation} over {planes}: [B, C, H, W] and positive numbers wanted");
        if (IsSame && Stride != (1, 1))
            throw new ShapeException("conv2d", $"padding 'same' with stride {Stride}: stride 1 wanted");
        int reachHeight = Dilation.Height * (kernelHeight - 1), reachWidth = Dilation.Width * (kernelWidth - 1);
        var padding = IsSame ? new Padding2d(reachHeight / 2, reachHeight - (reachHeight / 2), reachWidth / 2, reachWidth - (reachWidth / 2)) : Padding;
        int height = planes[2] + padding.Top + padding.Bottom - reachHeight, width = planes[3] + padding.Left + padding.Right - reachWidth;
        if (height < 1 || width < 1)
            throw new ShapeException("conv2d", $"a kernel of {kernelHeight}×{kernelWidth}, dilation {Dilation}, does not fit into {planes} with padding {padding}");
        return new Window2d(kernelHeight, kernelWidth, Stride.Height, Stride.Width, Dilation.Height, Dilation.Width, padding.Top, padding.Left,
            ((height - 1) / Stride.Height) + 1, ((width - 1) / Stride.Width) + 1);
    }
}

/// <summary>Rows and columns around a plane.</summary>
public readonly record struct Padding2d(int Top, int Bottom, int Left, int Right)
{
    /// <summary>As much above as below, as much before as behind.</summary>
    public Padding2d(int height, int width)
        : this(height, height, width, width)
    {
    }
}

/// <summary>
/// y = the cross-correlation of x with weight, plus bias. x: [B, C, H, W]; weight: [O, C/groups, Kh, Kw]; bias: [O] or absent; y: [B, O, Oh, Ow].
/// </summary>
/// <exception cref="ShapeException">Channels, groups, kernel and planes do not fit together.</exception>
public static class Conv2dOp
{
    public static Tensor Apply(Tensor x, Tensor weight, Tensor? bias, Conv2dGeometry geometry)
    {
        int groups = geometry.Groups;
        if (x.Shape.Length != 4 || weight.Shape.Length != 4 || groups < 1 || x.Shape[1] != weight.Shape[1] * groups || weight.Shape[0] % groups != 0)
            throw new ShapeException("conv2d", $"x {x.Shape} with a weight {weight.Shape} in {groups} groups");
        if (bias is not null && bias.Shape != new Shape(weight.Shape[0]))
            throw new ShapeException("conv2d", $"bias {bias.Shape} must be [{weight.Shape[0]}], the outputs of the weight {weight.Shape}");
        var window = geometry.Window(x.Shape, weight.Shape[2], weight.Shape[3]);
        (x, weight) = (Contiguous.Apply(x), weight.Parameter is null ? Contiguous.Apply(weight) : weight);
        var y = x.Session.New(new Shape(x.Shape[0], weight.Shape[0], window.Rows, window.Columns));
        x.Device.Run(new Conv2dCall(x.View, weight.View, bias?.View ?? default, y.View, window, groups));
        var (needsX, needsWeight) = (x.Session.Needs(weight), x.Session.Needs(x));
        return x.Session.Record("conv2d", y, [x, weight, bias], new Backward(x, weight, bias, window, groups), needsX ? x : null, needsWeight ? weight : null);
    }

    private sealed class Backward(Tensor x, Tensor weight, Tensor? bias, Window2d window, int groups) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            var dy = gradOutputs[0];
            if (gradients.Wants(weight))
            {
                var into = gradients.Into(weight);
                gradients.Device.Run(new Conv2dGradWeightCall(x.View, dy, into.View, window, groups, into.Accumulate));
            }
            if (gradients.Wants(bias))
            {
                var into = gradients.Into(bias!);
                var images = dy.Reshape(new Shape(dy.Shape[0], dy.Shape[1], window.Positions));
                ReduceCall.ToShape(gradients.Device, images, into.View.Reshape(new Shape(1, dy.Shape[1], 1)), into.Accumulate);
            }
            if (gradients.Wants(x))
            {
                var into = gradients.Into(x);
                gradients.Device.Run(new Conv2dGradInputCall(dy, weight.View, into.View, window, groups, into.Accumulate));
            }
        }
    }
}
