using KernelTune.Autograd;
using KernelTune.Modules;

namespace KernelTune.Methods;

/// <summary>What soft prompts and prefixes share at the input of a decoder: masks and positions that count the virtual tokens in front.</summary>
internal static class VirtualTokens
{
    /// <summary>
    /// The input with mask and positions lengthened. In generation the virtual tokens go into the cache with the first tokens of the text; from then on masks and positions only count them.
    /// </summary>
    /// <param name="x">The text's own input: it knows of no virtual tokens.</param>
    /// <param name="count">How many.</param>
    /// <param name="haveHiddenStates">Whether they need positions of their own.</param>
    /// <param name="isFirst">Whether they are to be put in front now: the cache does not hold them yet.</param>
    /// <param name="method">Named in errors.</param>
    /// <exception cref="MethodException">Packed sequences, or inputs that the method cannot lengthen.</exception>
    public static TokenInput Lengthened(TokenInput x, int count, bool haveHiddenStates, string method, out bool isFirst)
    {
        if (x.CuSeqlens is not null)
            throw new MethodException($"{method} puts virtual tokens in front of every sequence and cannot be used with packed sequences: set packing: false");
        if (x.TokenTypes is not null)
            throw new MethodException($"{method} puts virtual tokens in front of every sequence, and these have no token_type_ids");
        isFirst = x.Cache is not { VirtualTokens: > 0 };
        if (isFirst && x.Cache is { } cache)
        {
            int needed = cache.Length + count + x.Ids.Shape[1];
            if (needed > cache.Capacity)
                cache.Grow(needed);
            cache.VirtualTokens = count;
        }
        return x with
        {
            KeyMask = x.KeyMask is null ? null : SoftPrompt.Mask(x.KeyMask, count),
            Positions = x.Positions is null ? null : SoftPrompt.Positions(x.Positions, count, haveHiddenStates && isFirst),
            PositionsEnd = x.PositionsEnd + count,
        };
    }

    /// <summary>The decoder that a model is, and where virtual tokens go: its own input, or its encoder's.</summary>
    /// <exception cref="MethodException">The model is none, or something occupies that input already.</exception>
    public static (Module<TokenInput, Tensor> Site, IDecoder Decoder) DecoderOf(Module model, string method, bool beforeEncoder)
    {
        if (model is not (Module<TokenInput, Tensor> root and IDecoder decoder))
            throw new MethodException($"{method} goes on the input of a decoder, and this model has none");
        var site = beforeEncoder && decoder is IEncoderDecoder { Encoder: var encoder } ? encoder : root;
        return site.Occupant is null ? (site, decoder) : throw new MethodException($"{method} finds the model's input occupied already");
    }

    /// <summary>PEFT's num_transformer_submodules of a model.</summary>
    public static int Submodules(IDecoder decoder) => decoder is IEncoderDecoder ? 2 : 1;
}
