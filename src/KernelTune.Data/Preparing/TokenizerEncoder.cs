using KernelTune.Text;
using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>A tokenizer as preparing data sees it. Rows are filled up with its padding token, or with its end token where it has none.</summary>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="padTokenId">The id to fill up with; null: the tokenizer's.</param>
public sealed class TokenizerEncoder(Tokenizer tokenizer, int? padTokenId = null) : ITextEncoder
{
    public string? EndToken => tokenizer.Config.EosToken;

    public int PadTokenId => padTokenId ?? tokenizer.PadId ?? tokenizer.EosId ?? 0;

    public EncodedText Encode(string text, bool addSpecialTokens, IReadOnlyList<TextSpan> ordinary)
    {
        TokenEncoding encoding = tokenizer.Encode(text, null, addSpecialTokens, ordinary.Count > 0 ? new EncodeOptions { OrdinaryText = ordinary } : null);
        return new EncodedText(encoding.Ids, Array.ConvertAll(encoding.Offsets, o => (o.Start, o.End)));
    }
}
