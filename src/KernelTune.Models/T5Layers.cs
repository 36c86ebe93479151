using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;
using KernelTune.Modules;

namespace KernelTune.Models;

/// <summary>Self-attention; the first one of a stack holds the stack's table of position biases, [buckets, heads].</summary>
internal sealed class T5Attention : Module<LayerInput, Tensor>
{
    private readonly T5Settings settings;
    private readonly int layer;
    private readonly string weightsName;
    private readonly Linear q, k, v, o;
    private readonly Embedding? biases;
    private readonly RelativeBuckets buckets;
    private readonly AttentionOptions options;

    public T5Attention(string path, T5Settings settings, int layer, string stack, bool isDecoder)
        : base(path)
    {
        (this.settings, this.layer, weightsName) = (settings, layer, $"{stack}_attentions");
        int width = settings.Heads * settings.HeadDim;
        q = Child(new Linear($"{path}.q", settings.Width, width));
        k = Child(new Linear($"{path}.k", settings.Width, width));
        v = Child(new Linear($"{path}.v", settings.Width, width));
        o = Child(new Linear($"{path}.o", width, settings.Width));
        biases = layer == 0 ? Child(new Embedding($"{path}.relative_attention_bias", settings.Buckets, settings.Heads)) : null;
        buckets = new RelativeBuckets(settings.Buckets, settings.MaxDistance, Bidirectional: !isDecoder);
        options = new AttentionOptions(1, isDecoder ? Causality.BottomRight : Causality.None);
    }

    /// <summary>What is added to the scores of every layer of the stack, [1, H, queries, keys]; the last query stands at the last key.</summary>
    public Tensor PositionBias(Session session, int queries, int keys) => RelativeBuckets.Bias(biases!.Call(buckets.Upload(session, queries, keys)));

    public override Tensor Forward(in LayerInput x)
    {
        var shape = new Shape(x.Hidden.Shape[0], x.Hidden.Shape[1], settings.Heads, settings.HeadDim);
        var (qs, ks, vs) = Linears.Apply(x.Hidden, q, k, v);
        var y = AttendedHeads.Apply(Reshape.Apply(qs, shape), Reshape.Apply(ks, shape), Reshape.Apply(vs, shape), options, x.Context, layer, weightsName);
        return Dropout.Apply(o.Call(y), settings.Dropout, "residual");
    }
}

/// <summary>Attention of the decoder to the encoder's states; positions play no part.</summary>
internal sealed class T5CrossAttention : Module<LayerInput, Tensor>
{
    private readonly T5Settings settings;
    private readonly int layer;
    private readonly Linear q, k, v, o;

    public T5CrossAttention(string path, T5Settings settings, int layer)
        : base(path)
    {
        (this.settings, this.layer) = (settings, layer);
        int width = settings.Heads * settings.HeadDim;
        q = Child(new Linear($"{path}.q", settings.Width, width));
        k = Child(new Linear($"{path}.k", settings.Width, width));
        v = Child(new Linear($"{path}.v", settings.Width, width));
        o = Child(new Linear($"{path}.o", width, settings.Width));
    }

    public override Tensor Forward(in LayerInput x)
    {
        var shape = new Shape(x.Hidden.Shape[0], x.Hidden.Shape[1], settings.Heads, settings.HeadDim);
        var y = AttendedHeads.Across(Reshape.Apply(q.Call(x.Hidden), shape), k, v, new AttentionOptions(1), x.Context, layer);
        return Dropout.Apply(o.Call(y), settings.Dropout, "residual");
    }
}

/// <summary>wo(act(wi(x))), or wo(act(wi_0(x))·wi_1(x)).</summary>
internal sealed class T5FeedForward : Module<LayerInput, Tensor>
{
    private readonly T5Settings settings;
    private readonly Linear inner, outer;
    private readonly Linear? gated;

    public T5FeedForward(string path, T5Settings settings)
        : base(path)
    {
        this.settings = settings;
        inner = Child(new Linear($"{path}.{(settings.Gated ? "wi_0" : "wi")}", settings.Width, settings.Inner));
        gated = settings.Gated ? Child(new Linear($"{path}.wi_1", settings.Width, settings.Inner)) : null;
        outer = Child(new Linear($"{path}.wo", settings.Inner, settings.Width));
    }

    public override Tensor Forward(in LayerInput x)
    {
        var y = Activations.Apply(settings.Activation, inner.Call(x.Hidden));
        if (gated is not null)
            y = Binary.Apply<Mul>(y, gated.Call(x.Hidden));
        return Dropout.Apply(outer.Call(Dropout.Apply(y, settings.Dropout, "inner")), settings.Dropout, "residual");
    }
}
