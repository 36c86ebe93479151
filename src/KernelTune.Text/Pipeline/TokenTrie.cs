using System.Buffers;
using KernelTune.Text.Models;

namespace KernelTune.Text.Pipeline;

/// <summary>The contents of added tokens, to be found in a text.</summary>
internal sealed class TokenTrie
{
    private readonly PrefixTree tree = new();
    private readonly List<AddedToken> tokens = [];
    private readonly HashSet<char> firstCharacters = [];
    private SearchValues<char> first = SearchValues.Create("");

    public bool IsEmpty => tokens.Count == 0;

    /// <summary>Adds a token that is looked for as <paramref name="form"/>; of two with the same form the first is found.</summary>
    public void Add(string form, AddedToken token)
    {
        if (form.Length == 0 || tree.Walk(form) is var known and >= 0 && tree.ValueAt(known) >= 0) return;
        tree.Set(form, tokens.Count);
        tokens.Add(token);
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
        int node = PrefixTree.Root;
        for (int i = at; i < text.Length && (node = tree.Step(node, text[i])) >= 0; i++)
        {
            if (tree.ValueAt(node) is var index and >= 0 && tokens[index] is var end && !(end.Special && ordinary.Touch(piece, at, i + 1))) (token, length) = (end, i + 1 - at);
        }
        return length > 0;
    }
}
