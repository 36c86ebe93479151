using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Modules;

namespace KernelTune.Models;

/// <summary>
/// A decoder that attends to an encoder's states too. Its tokens are the decoder's; <see cref="TokenInput.Source"/> is what <see cref="Encode"/> gave. Labels are those of the
/// decoder's own positions: its tokens are the labels moved one to the right, behind <see cref="StartToken"/>.
/// </summary>
public abstract class EncoderDecoder(JsonSettings config, string architecture) : CausalLanguageModel(config, architecture), IEncoderDecoder
{
    public abstract Module<TokenInput, Tensor> Encoder { get; }

    /// <summary>Layers of the encoder; <see cref="IDecoder.Layers"/> are the decoder's.</summary>
    public abstract int EncoderLayers { get; }

    /// <summary>True for a projection of the decoder that reads the encoder's states: to the keys and values of attention to them.</summary>
    public abstract bool ProjectsSource(Linear linear);

    /// <summary>The token that every sequence of the decoder begins with.</summary>
    /// <exception cref="CheckpointException">The configuration has neither decoder_start_token_id nor bos_token_id.</exception>
    public int StartToken => Config.IntOrNull("decoder_start_token_id") ?? Config.IntOrNull("bos_token_id")
        ?? throw Config.Bad("decoder_start_token_id", "missing: a decoder's first token wanted");

    /// <summary>What stands in the decoder's tokens where a label is −100.</summary>
    public int PadToken => Config.IntOrNull("pad_token_id") ?? 0;

    /// <summary>Runs the encoder over a source.</summary>
    public EncodedSource Encode(TokenInput source)
    {
        var hidden = Encoder.Call(source);
        source.Session.Observer?.Observe("", "encoder_last_hidden_state", hidden);
        int added = hidden.Shape[1] - source.Ids.Shape[1];
        return new EncodedSource(hidden, added > 0 && source.KeyMask is { } mask ? SoftPrompt.Mask(mask, added) : source.KeyMask);
    }
}
