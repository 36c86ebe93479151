namespace KernelTune.Data;

/// <summary>Which tokens of a word carry its label.</summary>
public enum WordLabelling
{
    /// <summary>The first; the others are not asked for.</summary>
    First,

    /// <summary>All.</summary>
    All,

    /// <summary>All; those after the first carry the label that goes on inside: I-PER for a word of B-PER.</summary>
    Inside,
}

/// <summary>Labels of words as labels of their tokens.</summary>
public static class WordLabels
{
    /// <summary>[T]: a label, or −100 for tokens that are of no word.</summary>
    /// <param name="wordIds">[T]: the number of each token's word; −1 for none.</param>
    /// <param name="labels">The label of each word.</param>
    /// <param name="mode">Which tokens carry it.</param>
    /// <param name="inside">For <see cref="WordLabelling.Inside"/>: the label that goes on, for each label; see <see cref="InsideOf"/>.</param>
    /// <exception cref="ArgumentException">A word without a label, a label without one that goes on.</exception>
    public static int[] Spread(ReadOnlySpan<int> wordIds, IReadOnlyList<int> labels, WordLabelling mode, IReadOnlyList<int>? inside = null)
    {
        ArgumentNullException.ThrowIfNull(labels);
        if (mode == WordLabelling.Inside && inside is null) throw new ArgumentException("labels that go on inside a word are wanted", nameof(inside));
        var result = new int[wordIds.Length];
        int last = -1;
        for (int t = 0; t < wordIds.Length; t++)
        {
            int word = wordIds[t];
            if (word >= labels.Count) throw new ArgumentException($"token {t} is of word {word}, and {labels.Count} words have labels", nameof(labels));
            result[t] = word < 0 ? TokenRow.Ignored : word != last ? labels[word] : mode switch
            {
                WordLabelling.First => TokenRow.Ignored,
                WordLabelling.All => labels[word],
                _ => (uint)labels[word] < (uint)inside!.Count ? inside[labels[word]] : throw new ArgumentException($"word {word} has the label {labels[word]}, and {inside.Count} labels are known", nameof(labels)),
            };
            last = word;
        }

        return result;
    }

    /// <summary>For each label the one that goes on inside a word: I-X for B-X where there is one, else itself.</summary>
    public static int[] InsideOf(IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < names.Count; i++) numbers.TryAdd(names[i], i);
        return [.. names.Select((name, i) => name.StartsWith("B-", StringComparison.Ordinal) && numbers.TryGetValue("I-" + name[2..], out int goesOn) ? goesOn : i)];
    }
}
