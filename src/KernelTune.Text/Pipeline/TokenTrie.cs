using System.Buffers;

namespace KernelTune.Text.Pipeline;

/// <summary>The contents of added tokens, to be found in a text.</summary>
internal sealed class TokenTrie
{
    private readonly Dictionary<(int Node, char Next), int> edges = [];
    private readonly List<AddedToken?> ends = [null];
    private readonly HashSet<char> firstCharacters = [];
    private SearchValues<char> first = SearchValues.Create("");

    public bool IsEmpty => ends.Count == 1;

    /// <summary>Adds a token that is looked for as <paramref name="form"/>; of two with the same form the first is found.</summary>
    public void Add(string form, AddedToken token)
    {
        if (form.Length == 0) return;
        int node = 0;
        foreach (char c in form)
        {
            if (!edges.TryGetValue((node, c), out int next))
            {
                next = ends.Count;
                ends.Add(null);
                edges[(node, c)] = next;
            }
            node = next;
        }
        ends[node] ??= token;
        if (firstCharacters.Add(form[0])) first = SearchValues.Create([.. firstCharacters.Order()]);
    }

    /// <summary>The next place from <paramref name="at"/> on where a token can begin, or −1.</summary>
    public int NextCandidate(ReadOnlySpan<char> text, int at)
    {
        if (IsEmpty || at >= text.Length) return -1;
        int found = text[at..].IndexOfAny(first);
        return found < 0 ? -1 : at + found;
    }

    /// <summary>The longest token at <paramref name="at"/> that is not a special one reaching into ordinary text.</summary>
    public bool TryLongest(Piece piece, int at, OrdinaryParts ordinary, out AddedToken token, out int length)
    {
        var text = piece.Span;
        token = null!;
        length = 0;
        int node = 0;
        for (int i = at; i < text.Length && edges.TryGetValue((node, text[i]), out node); i++)
        {
            if (ends[node] is { } end && !(end.Special && ordinary.Touch(piece, at, i + 1))) (token, length) = (end, i + 1 - at);
        }
        return length > 0;
    }
}
