using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;

namespace KernelTune.Modules;

/// <summary>y = the cross-correlation of planes with a kernel, plus bias. x: [B, in, H, W]; y: [B, out, Oh, Ow]; the weight is stored [out, in/groups, Kh, Kw].</summary>
public sealed class Conv2d : Module<Tensor, Tensor>
{
    /// <param name="path">Module path.</param>
    /// <param name="inChannels">Planes of x.</param>
    /// <param name="outChannels">Planes of y.</param>
    /// <param name="kernel">(height, width).</param>
    /// <param name="geometry">Stride, padding, dilation, groups; null: stride 1 and nothing else.</param>
    /// <param name="bias">Whether there is a bias [out].</param>
    /// <exception cref="ShapeException">The groups do not divide the channels.</exception>
    public Conv2d(string path, int inChannels, int outChannels, (int Height, int Width) kernel, Conv2dGeometry? geometry = null, bool bias = false)
        : base(path)
    {
        (InChannels, OutChannels, Kernel, Geometry) = (inChannels, outChannels, kernel, geometry ?? new Conv2dGeometry());
        if (inChannels % Geometry.Groups != 0 || outChannels % Geometry.Groups != 0)
            throw new ShapeException("conv2d", $"{path}: {Geometry.Groups} groups of {inChannels} and {outChannels} channels");
        Weight = Own("weight", new Shape(outChannels, inChannels / Geometry.Groups, kernel.Height, kernel.Width));
        Bias = bias ? Own("bias", new Shape(outChannels)) : null;
    }

    public int InChannels { get; }

    public int OutChannels { get; }

    public (int Height, int Width) Kernel { get; }

    public Conv2dGeometry Geometry { get; }

    public Parameter Weight { get; }

    public Parameter? Bias { get; }

    public override Tensor Forward(in Tensor x) => Conv2dOp.Apply(x, Weight.Value, Bias?.Value, Geometry);
}
