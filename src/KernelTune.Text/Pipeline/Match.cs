using KernelTune.Text.Patterns;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Pipeline;

/// <summary>The units [Begin, End) of a piece: matched by a pattern, or between two matches.</summary>
internal readonly record struct Match(int Begin, int End, bool IsMatch);

/// <summary>What becomes of the delimiters when a text is split at them.</summary>
internal enum SplitBehavior
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

/// <summary>Finds matches and splits pieces at them.</summary>
internal static class Matches
{
    /// <summary>Matches and what lies between them, covering the whole text.</summary>
    public static List<Match> Of(Pattern pattern, ReadOnlySpan<char> text, bool invert = false)
    {
        if (text.IsEmpty) return [new Match(0, 0, invert)];
        var list = new List<Match>();
        int before = 0;
        var scan = pattern.Scan(text);
        while (scan.Next())
        {
            if (before != scan.Start) list.Add(new Match(before, scan.Start, invert));
            list.Add(new Match(scan.Start, scan.End, !invert));
            before = scan.End;
        }
        if (before != text.Length) list.Add(new Match(before, text.Length, invert));
        return list;
    }

    /// <summary>Each code point of <paramref name="set"/> is a match of its own.</summary>
    public static List<Match> Of(CharSet set, ReadOnlySpan<char> text)
    {
        if (text.IsEmpty) return [new Match(0, 0, false)];
        var list = new List<Match>();
        int before = 0;
        for (int i = 0; i < text.Length;)
        {
            bool isMatch = set.Contains(CodePoints.At(text, i, out int units));
            if (isMatch)
            {
                if (before < i) list.Add(new Match(before, i, false));
                list.Add(new Match(i, i + units, true));
                before = i + units;
            }
            i += units;
        }
        if (before < text.Length) list.Add(new Match(before, text.Length, false));
        return list;
    }

    /// <summary>Adds to <paramref name="pieces"/> what remains of <paramref name="piece"/>, empty parts left out.</summary>
    public static void Split(Piece piece, List<Match> matches, SplitBehavior behavior, List<Piece> pieces)
    {
        foreach (var (begin, end) in Cuts(matches, behavior))
            if (end > begin) pieces.Add(piece.Slice(begin, end));
    }

    /// <summary>The parts that are kept, in order.</summary>
    public static List<(int Begin, int End)> Cuts(List<Match> matches, SplitBehavior behavior)
    {
        var cuts = new List<(int Begin, int End)>(matches.Count);
        bool before = false;
        switch (behavior)
        {
            case SplitBehavior.Removed:
                foreach (var m in matches)
                    if (!m.IsMatch) cuts.Add((m.Begin, m.End));
                break;
            case SplitBehavior.Isolated:
                foreach (var m in matches) cuts.Add((m.Begin, m.End));
                break;
            case SplitBehavior.Contiguous:
                foreach (var m in matches)
                {
                    if (m.IsMatch == before && cuts.Count > 0) cuts[^1] = (cuts[^1].Begin, m.End);
                    else cuts.Add((m.Begin, m.End));
                    before = m.IsMatch;
                }
                break;
            case SplitBehavior.MergedWithPrevious:
                foreach (var m in matches)
                {
                    if (m.IsMatch && !before && cuts.Count > 0) cuts[^1] = (cuts[^1].Begin, m.End);
                    else cuts.Add((m.Begin, m.End));
                    before = m.IsMatch;
                }
                break;
            default:
                for (int i = matches.Count - 1; i >= 0; i--)
                {
                    var m = matches[i];
                    if (m.IsMatch && !before && cuts.Count > 0) cuts[^1] = (m.Begin, cuts[^1].End);
                    else cuts.Add((m.Begin, m.End));
                    before = m.IsMatch;
                }
                cuts.Reverse();
                break;
        }
        return cuts;
    }
}
