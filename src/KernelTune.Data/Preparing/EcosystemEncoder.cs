using KernelTune.Text;
using KernelTune.Text.Chat;
using Microsoft.ML.Tokenizers;
using AnyTokenizer = Microsoft.ML.Tokenizers.Tokenizer;

namespace KernelTune.Data;

/// <summary>Any tokenizer of Microsoft.ML.Tokenizers as preparing data sees it.</summary>
public sealed class EcosystemEncoder : ITextEncoder
{
    private readonly AnyTokenizer _tokenizer;
    private readonly string[] _specialTokens;

    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="padTokenId">The id that fills up short rows.</param>
    /// <param name="endToken">The text of the end-of-sequence token; null if there is none.</param>
    /// <param name="specialTokens">The texts that it takes for special tokens: what a user wrote is kept from being one of them.</param>
    public EcosystemEncoder(AnyTokenizer tokenizer, int padTokenId, string? endToken = null, IEnumerable<string>? specialTokens = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        (_tokenizer, PadTokenId, EndToken) = (tokenizer, padTokenId, endToken);
        _specialTokens = [.. (specialTokens ?? []).Where(t => t.Length > 1)];
    }

    public string? EndToken { get; }

    public int PadTokenId { get; }

    /// <exception cref="TokenizerException">The tokenizer tells places in a text that it normalized in a way that cannot be followed back.</exception>
    public EncodedText Encode(string text, bool addSpecialTokens, IReadOnlyList<TextSpan> ordinary)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(ordinary);
        int[] points = CodePointsOf(text);
        var ids = new List<int>();
        var offsets = new List<(int, int)>();
        int[] cuts = [0, .. Cuts(text, points, ordinary), text.Length];
        for (int i = 0; i + 1 < cuts.Length; i++)
        {
            string part = text[cuts[i]..cuts[i + 1]];
            var tokens = _tokenizer.EncodeToTokens(part, out string? normalized);
            int[]? back = normalized is null || normalized == part ? null : FollowBack(normalized, part);
            for (int t = 0; t < tokens.Count; t++)
            {
                var (begin, end) = (tokens[t].Offset.Start.Value, tokens[t].Offset.End.Value);
                // What stands for no part of the text was put in; a text that is cut in parts has it at its own ends only.
                bool putIn = begin == end;
                if (putIn && !(addSpecialTokens && (t == 0 ? i == 0 : i + 2 == cuts.Length))) continue;
                ids.Add(tokens[t].Id);
                offsets.Add(putIn ? (0, 0) : (points[cuts[i] + (back?[begin] ?? begin)], points[cuts[i] + (back?[end] ?? end)]));
            }
        }
        if (addSpecialTokens && _tokenizer is BertTokenizer bert)
        {
            ids = [bert.ClassificationTokenId, .. ids, bert.SeparatorTokenId];
            offsets = [(0, 0), .. offsets, (0, 0)];
        }
        return new EncodedText([.. ids], [.. offsets]);
    }

    /// <summary>Behind the first character of each special token that reaches into ordinary text: in two parts it is none.</summary>
    private SortedSet<int> Cuts(string text, int[] points, IReadOnlyList<TextSpan> ordinary)
    {
        var cuts = new SortedSet<int>();
        if (ordinary.Count == 0) return cuts;
        foreach (string token in _specialTokens)
        {
            for (int at = text.IndexOf(token, StringComparison.Ordinal); at >= 0; at = text.IndexOf(token, at + 1, StringComparison.Ordinal))
            {
                var (begin, end) = (points[at], points[at + token.Length]);
                if (ordinary.Any(o => o.Start < end && begin < o.End)) cuts.Add(at + (char.IsSurrogatePair(token, 0) ? 2 : 1));
            }
        }
        cuts.Remove(text.Length);
        return cuts;
    }

    private static int[] CodePointsOf(string text)
    {
        int[] points = new int[text.Length + 1];
        for (int i = 0, count = 0; i < text.Length; count++)
        {
            bool pair = char.IsSurrogatePair(text, i);
            points[i] = count;
            if (pair) points[i + 1] = count;
            i += pair ? 2 : 1;
            points[i] = count + 1;
        }
        return points;
    }

    /// <summary>For each unit of the normalized text the unit of the text that it came from: case, accents, ▁ for a space, spaces put in or taken out.</summary>
    private static int[] FollowBack(string normalized, string text)
    {
        int[] back = new int[normalized.Length + 1];
        int at = 0;
        for (int i = 0; i < normalized.Length; i++)
        {
            while (at < text.Length && !Same(normalized[i], text[at]) && !IsSpace(normalized[i]) && (IsSpace(text[at]) || char.IsControl(text[at]) || IsMark(text[at]))) at++;
            back[i] = at;
            if (at < text.Length && Same(normalized[i], text[at])) at++;
            else if (!IsSpace(normalized[i])) throw new TokenizerException("tokenizer", "", $"it normalizes \"{Shown(text)}\" to \"{Shown(normalized)}\", in which places cannot be followed back");
        }
        back[^1] = at;
        return back;
    }

    private static bool Same(char normalized, char original) =>
        normalized == original || IsSpace(normalized) && IsSpace(original)
        || char.ToLowerInvariant(normalized) == char.ToLowerInvariant(original) || char.ToLowerInvariant(Unaccented(original)) == char.ToLowerInvariant(normalized);

    private static char Unaccented(char c) => char.IsSurrogate(c) || c < 0x80 ? c : c.ToString().Normalize(System.Text.NormalizationForm.FormD)[0];

    private static bool IsSpace(char c) => c == '▁' || char.IsWhiteSpace(c);

    private static bool IsMark(char c) => char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.NonSpacingMark;

    private static string Shown(string text) => text.Length <= 40 ? text : text[..40] + "…";
}
