using KernelTune.Text.Normalizers;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Pipeline;

/// <summary>Finds added tokens in texts.</summary>
internal sealed class AddedVocabulary
{
    private readonly TokenTrie raw = new();
    private readonly TokenTrie normalized = new();
    private readonly Dictionary<int, AddedToken> byId = [];
    private readonly Dictionary<string, int> ids = new(StringComparer.Ordinal);
    private readonly Dictionary<int, string> normalForms = [];
    private readonly HashSet<string> special = new(StringComparer.Ordinal);

    public AddedVocabulary(IEnumerable<AddedToken> tokens, Normalizer? normalizer)
    {
        foreach (var token in tokens)
        {
            byId[token.Id] = token;
            ids[token.Content] = token.Id;
            if (token.Special) special.Add(token.Content);
            if (!token.Normalized)
            {
                raw.Add(token.Content, token);
                continue;
            }
            string form = normalizer?.Apply(token.Content) ?? token.Content;
            normalized.Add(form, token);
            if (form != token.Content) normalForms[token.Id] = form;
        }
        All = [.. byId.Values.OrderBy(t => t.Id)];
    }

    public IReadOnlyList<AddedToken> All { get; }

    public bool TryGetId(string content, out int id) => ids.TryGetValue(content, out id);

    public AddedToken? Find(int id) => byId.GetValueOrDefault(id);

    /// <summary>What decoding sees: of a token that is looked for in normalized text its normal form.</summary>
    public string? DecodedForm(int id) => byId.TryGetValue(id, out var token) ? normalForms.GetValueOrDefault(id, token.Content) : null;

    public bool IsSpecial(string token) => special.Contains(token);

    /// <summary>Splits a text at its added tokens and normalizes what lies between.</summary>
    public List<Piece> Extract(string text, Normalizer? normalizer, OrdinaryParts ordinary)
    {
        var pieces = new List<Piece>();
        Split(new Piece(text), raw, ordinary, pieces);
        if (normalizer is null && normalized.IsEmpty) return pieces;
        var result = new List<Piece>(pieces.Count);
        foreach (var piece in pieces)
        {
            if (piece.AddedToken >= 0) result.Add(piece);
            else Split(normalizer?.Apply(piece) ?? piece, normalized, ordinary, result);
        }
        return result;
    }

    /// <summary>The leftmost match wins, then the longest; spaces that a token strips on its right may still begin the next match.</summary>
    private static void Split(Piece piece, TokenTrie trie, OrdinaryParts ordinary, List<Piece> parts)
    {
        var text = piece.Span;
        int done = 0;
        for (int at = trie.NextCandidate(text, 0); at >= 0; at = trie.NextCandidate(text, at))
        {
            if (!trie.TryLongest(piece, at, ordinary, out var token, out int length))
            {
                at++;
                continue;
            }
            int begin = at, end = at + length;
            at = end;
            if (token.SingleWord && (begin > 0 && IsWordBefore(text, begin) || end < text.Length && IsWordAt(text, end))) continue;
            if (token.LeftStrip)
            {
                while (begin > 0 && char.IsWhiteSpace(text[begin - 1])) begin--;
                begin = Math.Min(Math.Max(begin, done), end);
            }
            if (token.RightStrip)
                while (end < text.Length && char.IsWhiteSpace(text[end])) end++;
            if (done < begin) parts.Add(piece.Slice(done, begin));
            if (begin < end) parts.Add(piece.Slice(begin, end, token.Id));
            done = end;
        }
        if (done < text.Length) parts.Add(piece.Slice(done, text.Length));
    }

    private static bool IsWordBefore(ReadOnlySpan<char> text, int at) => CharacterClasses.IsWordOrJoiner(CodePoints.Before(text, at, out _));

    private static bool IsWordAt(ReadOnlySpan<char> text, int at) => CharacterClasses.IsWordOrJoiner(CodePoints.At(text, at, out _));
}
