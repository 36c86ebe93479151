namespace KernelTune.Data;

/// <summary>Which tokens of a row make a word: those that follow one another without a gap. "don't" is one word, as in Transformers.</summary>
/// <param name="Ids">[T]: the number of the word, from 1; −1 for special tokens.</param>
/// <param name="Starts">[T]: true for the first token of a word.</param>
public sealed record Words(int[] Ids, bool[] Starts)
{
    /// <summary>Words from where tokens stand in their text. A token that begins elsewhere than the one before it ended, or follows a special one, begins a word.</summary>
    /// <param name="offsets">[T].</param>
    /// <param name="special">[T]: 1 for special tokens and padding.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static Words Of(ReadOnlySpan<(int Start, int End)> offsets, ReadOnlySpan<int> special)
    {
        if (offsets.Length != special.Length) throw new ArgumentException($"the places of {special.Length} tokens wanted, {offsets.Length} were found", nameof(offsets));
        var ids = new int[offsets.Length];
        var starts = new bool[offsets.Length];
        int word = 0, end = -1;
        bool afterSpecial = false;
        for (int t = 0; t < offsets.Length; t++)
        {
            bool isSpecial = special[t] != 0;
            starts[t] = !isSpecial && (afterSpecial || offsets[t].Start != end);
            if (starts[t]) word++;
            ids[t] = isSpecial ? -1 : word;
            (end, afterSpecial) = (offsets[t].End, isSpecial);
        }

        return new Words(ids, starts);
    }

    /// <summary>All tokens of the words of which one token at least is chosen.</summary>
    public bool[] Spread(ReadOnlySpan<bool> chosen)
    {
        var words = new HashSet<int>();
        for (int t = 0; t < Ids.Length; t++)
            if (chosen[t] && Ids[t] >= 0) words.Add(Ids[t]);
        return Array.ConvertAll(Ids, words.Contains);
    }
}
