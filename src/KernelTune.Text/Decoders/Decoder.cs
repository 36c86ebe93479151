namespace KernelTune.Text.Decoders;

/// <summary>Turns the tokens of a text back into its parts.</summary>
internal abstract class Decoder
{
    public abstract List<string> Apply(List<string> tokens);

    /// <summary>Tokens to text: without a decoder they are joined by spaces.</summary>
    public static string Text(Decoder? decoder, List<string> tokens) => decoder is null ? string.Join(' ', tokens) : string.Concat(decoder.Apply(tokens));
}

/// <summary>One decoder after another.</summary>
internal sealed class DecoderSequence(IReadOnlyList<Decoder> decoders) : Decoder
{
    public IReadOnlyList<Decoder> Parts => decoders;

    public override List<string> Apply(List<string> tokens)
    {
        foreach (var decoder in decoders) tokens = decoder.Apply(tokens);
        return tokens;
    }
}
