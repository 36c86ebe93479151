using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Modules;

/// <summary>A residual sublayer of a pre-norm transformer: y = x + body(norm(x)). It owns norm, body and residual, so a method may stand anywhere around them.</summary>
public sealed class Sublayer : Module<LayerInput, Tensor>
{
    public Sublayer(string path, Module<Tensor, Tensor> norm, Module<LayerInput, Tensor> body)
        : base(path)
    {
        Norm = Child(norm);
        Body = Child(body);
    }

    public Module<Tensor, Tensor> Norm { get; }

    public Module<LayerInput, Tensor> Body { get; }

    public override Tensor Forward(in LayerInput x) => Binary.Apply<Add>(x.Hidden, Body.Call(new LayerInput(Norm.Call(x.Hidden), x.Context)));
}
