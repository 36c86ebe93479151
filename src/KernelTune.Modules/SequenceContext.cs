using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Calls;

namespace KernelTune.Modules;

/// <summary>The tokens that a language model reads.</summary>
/// <param name="Ids">I64 [B, T].</param>
/// <param name="Positions">I64 [B, T]; absent: 0, 1, 2 … in every row, after what the cache holds.</param>
/// <param name="KeyMask">I64 [B, Tk], 1 = may be attended to; Tk counts what the cache holds too. Absent: all may.</param>
/// <param name="CuSeqlens">I64 [n + 1]: where packed sequences begin; then B is 1 and sequences never see each other.</param>
/// <param name="Cache">Keys and values of what came before; the new ones are appended. Absent: none.</param>
/// <param name="TokenTypes">I64 [B, T]: ids whose rows of the token table are added (GPT-2's token_type_ids). Absent: none.</param>
/// <param name="PositionsEnd">The greatest position plus one, where positions are given: some rotary scalings depend on it.</param>
/// <param name="FirstLabels">I64 [B, 1]: the label of each row's first token, which only a virtual position in front of it can predict. Absent: −100.</param>
public sealed record TokenInput(Tensor Ids, Tensor? Positions = null, Tensor? KeyMask = null, Tensor? CuSeqlens = null, KvCache? Cache = null, int? PositionsEnd = null,
    Tensor? TokenTypes = null, Tensor? FirstLabels = null) : IActivation
{
    public Session Session => Ids.Session;

    /// <summary>[n, C]: embeddings of virtual tokens in front of every row. Set by the method that occupies the model, with masks and positions that count them.</summary>
    public Tensor? Prompt { get; init; }

    /// <summary>Keys and values of virtual tokens in front of every row, layer by layer. Set by the method that occupies the model, with masks and positions that count them.</summary>
    public PrefixKeyValues? Prefix { get; init; }

    /// <summary>What an encoder has read and this decoder attends to; null: there is no encoder.</summary>
    public EncodedSource? Source { get; init; }

    /// <summary>Positions a row that the layers see: virtual tokens with embeddings, and tokens.</summary>
    public int Length => Ids.Shape[1] + (Prompt?.Shape[0] ?? 0);

    /// <summary>Keys of virtual tokens that the cache does not hold yet.</summary>
    public int NewPrefix => Prefix?.Count ?? 0;

    /// <summary>The position of the first of <see cref="Length"/>, unless positions are given: behind what the cache holds and behind a prefix.</summary>
    public int FirstPosition => (Cache?.Length ?? 0) + NewPrefix;

    public void Keep(in Keeper keeper)
    {
        keeper.Keep(Ids);
        keeper.Keep(Positions);
        keeper.Keep(KeyMask);
        keeper.Keep(CuSeqlens);
        keeper.Keep(TokenTypes);
        keeper.Keep(FirstLabels);
        keeper.Keep(Prompt);
        Prefix?.Keep(keeper);
        Source?.Keep(keeper);
    }
}

/// <summary>What an encoder has made of its source. Several rows of a decoder side by side may share one.</summary>
/// <param name="Hidden">[B, S, C]; absent where a cache holds every layer's keys and values of it already.</param>
/// <param name="KeyMask">I64 [B, S], 1 = may be attended to. Absent: all may.</param>
public sealed record EncodedSource(Tensor? Hidden, Tensor? KeyMask)
{
    internal void Keep(in Keeper keeper)
    {
        keeper.Keep(Hidden);
        keeper.Keep(KeyMask);
    }
}

/// <summary>What every layer of a decoder shares in one forward pass.</summary>
/// <param name="Extras">Masks and packed boundaries.</param>
/// <param name="Rotary">Cosines and sines of the positions; absent where positions are learned.</param>
/// <param name="Cache">Keys and values of what came before.</param>
/// <param name="Prefix">Keys and values of virtual tokens that stand before all others and are not in the cache yet.</param>
/// <param name="Source">What an encoder has read.</param>
public sealed record SequenceContext(AttentionExtras Extras, RotaryTable? Rotary, KvCache? Cache, PrefixKeyValues? Prefix = null, EncodedSource? Source = null);

/// <summary>Hidden states [B, T, C] on their way into a layer, with what the layers share.</summary>
public readonly record struct LayerInput(Tensor Hidden, SequenceContext Context) : IActivation, IRecomputable
{
    public Session Session => Hidden.Session;

    public void Keep(in Keeper keeper) => keeper.Keep(Hidden);

    public void Reads(List<Tensor> tensors)
    {
        var extras = Context.Extras;
        tensors.Add(Hidden);
        foreach (var tensor in (ReadOnlySpan<Tensor?>)[extras.KeyMask, extras.FullMask, extras.Bias, extras.Slopes, extras.Sinks, extras.CuSeqlensQ, extras.CuSeqlensK, Context.Rotary?.Cos, Context.Rotary?.Sin])
        {
            if (tensor is not null)
                tensors.Add(tensor);
        }
        if (Context.Prefix is { } prefix)
        {
            tensors.AddRange(prefix.Keys);
            tensors.AddRange(prefix.Values);
        }
    }
}

/// <summary>The step that all attention layers share: cache, kernel, and weights where an observer asks for them.</summary>
public static class AttendedHeads
{
    /// <summary>y [B, T, H·Dv] of q [B, T, H, D], k [B, T, Hkv, D], v [B, T, Hkv, Dv].</summary>
    /// <param name="q">Queries.</param>
    /// <param name="k">Keys of the same tokens; those of the prefix and the cache come before them.</param>
    /// <param name="v">Values.</param>
    /// <param name="options">Scale, causality, window.</param>
    /// <param name="context">What the layers share.</param>
    /// <param name="layer">The layer's number.</param>
    /// <param name="name">What an observer calls the weights.</param>
    public static Tensor Apply(Tensor q, Tensor k, Tensor v, AttentionOptions options, SequenceContext context, int layer, string name = "attentions")
    {
        if (context.Prefix is { } prefix)
            (k, v) = prefix.Before(layer, k, v);
        if (context.Cache is { } cache)
            (k, v) = cache.Append(q.Session, layer, k, v);
        return Attend(q, k, v, options, context.Extras, $"{name}.{layer}");
    }

    /// <summary>
    /// y [B·n, T, H·D] of q [B·n, T, H, D] over the keys and values of a source of B rows: n rows of a decoder side by side share one. With a cache they are projected once a source.
    /// </summary>
    /// <param name="q">Queries.</param>
    /// <param name="key">The projection of the source's hidden states to keys.</param>
    /// <param name="value">The same to values.</param>
    /// <param name="options">The scale.</param>
    /// <param name="context">What the layers share: the source is there.</param>
    /// <param name="layer">The layer's number.</param>
    public static Tensor Across(Tensor q, Module<Tensor, Tensor> key, Module<Tensor, Tensor> value, AttentionOptions options, SequenceContext context, int layer)
    {
        var (session, source) = (q.Session, context.Source ?? throw new InvalidOperationException($"{q.Session.Path} attends to a source, and none was given"));
        var (heads, headDim) = (q.Shape[2], q.Shape[3]);
        if (context.Cache?.Source(session, layer) is not var (k, v))
        {
            var hidden = source.Hidden ?? throw new InvalidOperationException($"{session.Path} attends to a source whose hidden states were not given");
            var shape = new Shape(hidden.Shape[0], hidden.Shape[1], heads, headDim);
            (k, v) = (Reshape.Apply(key.Call(hidden), shape), Reshape.Apply(value.Call(hidden), shape));
            context.Cache?.KeepSource(layer, k, v);
        }
        var shared = Reshape.Apply(q, new Shape(k.Shape[0], q.Shape[0] / k.Shape[0] * q.Shape[1], heads, headDim));
        var y = Attend(shared, k, v, options, new AttentionExtras(KeyMask: source.KeyMask), $"cross_attentions.{layer}");
        return Reshape.Apply(y, new Shape(q.Shape[0], q.Shape[1], y.Shape[2]));
    }

    private static Tensor Attend(Tensor q, Tensor k, Tensor v, AttentionOptions options, AttentionExtras extras, string name)
    {
        var session = q.Session;
        bool observed = session.Observer is { WantsAttentionWeights: true };
        var y = AttentionOp.Apply(q, k, v, options, extras, observed, out _, out var weights);
        if (weights is not null)
            session.Observer!.Observe(session.Path, name, weights);
        return Reshape.Apply(y, new Shape(q.Shape[0], q.Shape[1], q.Shape[2] * v.Shape[3]));
    }
}
