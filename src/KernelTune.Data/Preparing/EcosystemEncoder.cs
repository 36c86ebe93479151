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
    /// <param name="specialTokens">The texts that it takes for special tokens: what a user wrote is kept from being one of them, unless it is a single character, which cannot be told apart.</param>
    /// <exception cref="ArgumentException">The padding's id is negative, or a token's text is empty.</exception>
    public EcosystemEncoder(AnyTokenizer tokenizer, int padTokenId, string? endToken = null, IEnumerable<string>? specialTokens = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentOutOfRangeException.ThrowIfNegative(padTokenId);
        if (endToken is "") throw new ArgumentException("the text of the end token is empty; null stands for none", nameof(endToken));
        if (specialTokens?.Any(string.IsNullOrEmpty) == true) throw new ArgumentException("the text of a special token is empty", nameof(specialTokens));
        (_tokenizer, PadTokenId, EndToken) = (tokenizer, padTokenId, endToken);
        _specialTokens = [.. (specialTokens ?? []).Where(t => t.Length > 1)];
    }

    public string? EndToken { get; }

    public int PadTokenId { get; }

    /// <exception cref="TokenizerException">The tokenizer tells places beyond the text, or in a text that it normalized in a way that cannot be followed back.</exception>
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
            bool[] empty = [.. tokens.Select(t => t.Offset.Start.Equals(t.Offset.End))];
            int first = Array.IndexOf(empty, false), last = Array.LastIndexOf(empty, false);
            for (int t = 0; t < tokens.Count; t++)
            {
                var (begin, end) = (tokens[t].Offset.Start.Value, tokens[t].Offset.End.Value);
                if (begin > end || end > (normalized ?? part).Length)
                    throw new TokenizerException("tokenizer", "", $"it tells the place {begin} to {end} of a token in \"{Shown(normalized ?? part)}\", which has {(normalized ?? part).Length} characters");
                // What stands for no part of the text, at its ends, was put in; a text that is cut in parts has it at its own ends only.
                bool putIn = t < first || t > last;
                if (putIn && !(addSpecialTokens && (t > last || i == 0) && (t < first || i + 2 == cuts.Length))) continue;
                ids.Add(tokens[t].Id);
                offsets.Add(putIn ? (0, 0) : (points[cuts[i] + (back?[begin] ?? begin)], EndOf(text, points, cuts[i] + (back?[end] ?? end))));
            }
        }
        if (addSpecialTokens && (_tokenizer is BertTokenizer || text.Length == 0 && ids.Count == 0))
        {
            var (before, after) = Around();
            ids = [.. before, .. ids, .. after];
            offsets = [.. before.Select(_ => (0, 0)), .. offsets, .. after.Select(_ => (0, 0))];
        }
        return new EncodedText([.. ids], [.. offsets]);
    }

    /// <summary>What stands around every text. BERT's tokens are not among those that it gives with places; others give none at all for the empty text.</summary>
    private (int[] Before, int[] After) Around()
    {
        if (_tokenizer is BertTokenizer bert) return ([bert.ClassificationTokenId], [bert.SeparatorTokenId]);
        bool[] putIn = [.. _tokenizer.EncodeToTokens("a", out _).Select(t => t.Offset.Start.Equals(t.Offset.End))];
        int[] ids = [.. _tokenizer.EncodeToTokens("a", out _).Select(t => t.Id)];
        return ([.. ids.TakeWhile((_, i) => putIn[i])], [.. ids.Skip(Array.LastIndexOf(putIn, false) + 1)]);
    }

    /// <summary>A place within a pair of surrogates, which some tokenizers tell, ends behind the character.</summary>
    private static int EndOf(string text, int[] points, int unit) => unit > 0 && unit < text.Length && char.IsSurrogatePair(text[unit - 1], text[unit]) ? points[unit] + 1 : points[unit];

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
