using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
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
    }
}

/// <summary>What every layer of a decoder shares in one forward pass.</summary>
/// <param name="Extras">Masks and packed boundaries.</param>
/// <param name="Rotary">Cosines and sines of the positions; absent where positions are learned.</param>
/// <param name="Cache">Keys and values of what came before.</param>
/// <param name="Prefix">Keys and values of virtual tokens that stand before all others and are not in the cache yet.</param>
public sealed record SequenceContext(AttentionExtras Extras, RotaryTable? Rotary, KvCache? Cache, PrefixKeyValues? Prefix = null);

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
    public static Tensor Apply(Tensor q, Tensor k, Tensor v, AttentionOptions options, SequenceContext context, int layer)
    {
        var session = q.Session;
        if (context.Prefix is { } prefix)
            (k, v) = prefix.Before(layer, k, v);
        if (context.Cache is { } cache)
            (k, v) = cache.Append(session, layer, k, v);
        bool observed = session.Observer is { WantsAttentionWeights: true };
        var y = AttentionOp.Apply(q, k, v, options, context.Extras, observed, out _, out var weights);
        if (weights is not null)
            session.Observer!.Observe(session.Path, $"attentions.{layer}", weights);
        return Reshape.Apply(y, new Devices.Shape(q.Shape[0], q.Shape[1], q.Shape[2] * v.Shape[3]));
    }
}
