using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Modules;

/// <summary>What a sublayer does.</summary>
public enum SublayerKind
{
    Attention,

    /// <summary>Attention of a decoder to what an encoder has read.</summary>
    CrossAttention,

    FeedForward,
}

/// <summary>A residual sublayer of a pre-norm transformer: y = x + body(norm(x)). It owns norm, body and residual, so a method may stand anywhere around them.</summary>
public sealed class Sublayer : Module<LayerInput, Tensor>
{
    /// <param name="layer">The path of the layer that it is part of: "model.layers.0".</param>
    /// <param name="index">The layer's number, from 0.</param>
    /// <param name="kind">Which part.</param>
    /// <param name="norm">Applied to the input of the body.</param>
    /// <param name="body">Attention or the feed-forward block.</param>
    /// <param name="ownPath">The path of the module that the sublayer is in the library too (T5's "decoder.block.0.layer.1"); null: the library has none.</param>
    public Sublayer(string layer, int index, SublayerKind kind, Module<Tensor, Tensor> norm, Module<LayerInput, Tensor> body, string? ownPath = null)
        : base(ownPath ?? $"{layer}.{(kind == SublayerKind.Attention ? "attention" : "feed_forward")}")
    {
        (Layer, Index, Kind, IsLibraryModule) = (layer, index, kind, ownPath is not null);
        Norm = Child(norm);
        Body = Child(body);
    }

    /// <summary>The path of its layer.</summary>
    public string Layer { get; }

    /// <summary>The number of its layer.</summary>
    public int Index { get; }

    public SublayerKind Kind { get; }

    /// <summary>True where the library has a module at <see cref="Module.Path"/>: adapters' names then begin with that.</summary>
    public bool IsLibraryModule { get; }

    public Module<Tensor, Tensor> Norm { get; }

    public Module<LayerInput, Tensor> Body { get; }

    public override Tensor Forward(in LayerInput x) => Binary.Apply<Add>(x.Hidden, Body.Call(new LayerInput(Norm.Call(x.Hidden), x.Context)));
}
