using KernelTune.Autograd;
using KernelTune.Autograd.Ops;

namespace KernelTune.Modules;

/// <summary>y = the largest element of each window of planes [B, C, H, W].</summary>
public sealed class MaxPool2d(string path, Pool2dGeometry geometry) : Module<Tensor, Tensor>(path)
{
    public Pool2dGeometry Geometry { get; } = geometry;

    public override Tensor Forward(in Tensor x) => MaxPool2dOp.Apply(x, Geometry);
}

/// <summary>y = the mean of each window of planes [B, C, H, W].</summary>
public sealed class AveragePool2d(string path, Pool2dGeometry geometry, bool countsPadding = true) : Module<Tensor, Tensor>(path)
{
    public Pool2dGeometry Geometry { get; } = geometry;

    public override Tensor Forward(in Tensor x) => AveragePool2dOp.Apply(x, Geometry, countsPadding);
}
