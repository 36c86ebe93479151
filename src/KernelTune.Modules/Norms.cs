using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;

namespace KernelTune.Modules;

/// <summary>y = x / rms(x) · weight, over the last axis.</summary>
public sealed class RmsNorm : Module<Tensor, Tensor>
{
    public RmsNorm(string path, int features, double eps)
        : base(path)
    {
        (Features, Eps) = (features, eps);
        Weight = Own("weight", new Shape(features));
    }

    public int Features { get; }

    public double Eps { get; }

    public Parameter Weight { get; }

    public override Tensor Forward(in Tensor x) => RmsNormOp.Apply(x, Weight.Value, Eps);
}

/// <summary>y = (x − mean)/√(var + eps)·weight + bias, over the last axis.</summary>
public sealed class LayerNorm : Module<Tensor, Tensor>
{
    public LayerNorm(string path, int features, double eps, bool bias = true)
        : base(path)
    {
        (Features, Eps) = (features, eps);
        Weight = Own("weight", new Shape(features));
        Bias = bias ? Own("bias", new Shape(features)) : null;
    }

    public int Features { get; }

    public double Eps { get; }

    public Parameter Weight { get; }

    public Parameter? Bias { get; }

    public override Tensor Forward(in Tensor x) => LayerNormOp.Apply(x, Weight.Value, Bias?.Value, Eps);
}
