using KernelTune.Text.Unicode;

namespace KernelTune.Text.Training;

/// <summary>What a Unigram model begins with: every character, and those texts within words that are seen more than once and cannot be longer without being seen less often; the ones that
/// cover most (times seen × length) first. Each different word counts once, as in SentencePiece. Found by sorting all ends of words.</summary>
internal static class SeedPieces
{
    /// <param name="words">The different words.</param>
    /// <param name="characters">The characters that become pieces, and how often each is seen.</param>
    /// <param name="longest">The longest piece in code points.</param>
    /// <param name="most">The most pieces beside the characters.</param>
    /// <param name="cancellation">Stops the work.</param>
    public static List<(string Piece, double Weight)> Find(IReadOnlyList<string> words, IEnumerable<(int Character, long Count)> characters, int longest, int most, CancellationToken cancellation)
    {
        var ends = new List<(int Word, int At)>();
        for (int w = 0; w < words.Count; w++)
            for (int i = 0; i < words[w].Length; i++)
                if (!IsInside(words[w], i)) ends.Add((w, i));
        int units = longest * 2 + 1;
        ends.Sort((a, b) => Part(a).SequenceCompareTo(Part(b)) is var order and not 0 ? order : (a.Word, a.At).CompareTo((b.Word, b.At)));
        cancellation.ThrowIfCancellationRequested();

        var found = new List<(string Piece, double Weight)>();
        var open = new Stack<(int Length, int First)>();        // texts that the ends since First all begin with
        for (int i = 1; i <= ends.Count; i++)
        {
            int common = i < ends.Count ? Part(ends[i - 1]).CommonPrefixLength(Part(ends[i])) : 0, first = i - 1;
            while (open.TryPeek(out var top) && top.Length > common)
            {
                open.Pop();
                Take(top.Length, top.First, i - top.First);
                first = top.First;
            }
            if (common > 0 && (!open.TryPeek(out var below) || below.Length < common)) open.Push((common, first));
        }

        var known = characters.Select(c => c.Character).ToHashSet();
        var seeds = found.Where(p => CodePoints.ListOf(p.Piece).TrueForAll(known.Contains)).OrderByDescending(p => p.Weight).ThenBy(p => p.Piece, StringComparer.Ordinal).Take(most);
        return [.. characters.Select(c => (WordCounts.Text(c.Character), (double)c.Count)), .. seeds];

        ReadOnlySpan<char> Part((int Word, int At) end) => words[end.Word].AsSpan(end.At, Math.Min(units, words[end.Word].Length - end.At));

        void Take(int length, int first, int count)
        {
            var text = words[ends[first].Word].AsSpan(ends[first].At, length);
            if (char.IsHighSurrogate(text[^1])) return;
            int points = CodePoints.Count(text);
            if (points > 1 && points <= longest) found.Add((text.ToString(), (double)count * points));
        }
    }

    private static bool IsInside(string word, int at) => at > 0 && char.IsLowSurrogate(word[at]) && char.IsHighSurrogate(word[at - 1]);
}
