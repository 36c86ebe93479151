using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Modules;

/// <summary>What a sublayer does.</summary>
public enum SublayerKind
{
    Attention,
    FeedForward,
}

/// <summary>A residual sublayer of a pre-norm transformer: y = x + body(norm(x)). It owns norm, body and residual, so a method may stand anywhere around them.</summary>
public sealed class Sublayer : Module<LayerInput, Tensor>
{
    /// <param name="layer">The path of the layer that it is half of: "model.layers.0".</param>
    /// <param name="index">The layer's number, from 0.</param>
    /// <param name="kind">Which half.</param>
    /// <param name="norm">Applied to the input of the body.</param>
    /// <param name="body">Attention or the feed-forward block.</param>
    public Sublayer(string layer, int index, SublayerKind kind, Module<Tensor, Tensor> norm, Module<LayerInput, Tensor> body)
        : base($"{layer}.{(kind == SublayerKind.Attention ? "attention" : "feed_forward")}")
    {
        (Layer, Index, Kind) = (layer, index, kind);
        Norm = Child(norm);
        Body = Child(body);
    }

    /// <summary>The path of its layer.</summary>
    public string Layer { get; }

    /// <summary>The number of its layer.</summary>
    public int Index { get; }

    public SublayerKind Kind { get; }

    public Module<Tensor, Tensor> Norm { get; }

    public Module<LayerInput, Tensor> Body { get; }

    public override Tensor Forward(in LayerInput x) => Binary.Apply<Add>(x.Hidden, Body.Call(new LayerInput(Norm.Call(x.Hidden), x.Context)));
}
