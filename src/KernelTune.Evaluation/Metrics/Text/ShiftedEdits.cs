namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>Edits with block shifts (Snover et al., 2006), searched greedily within Tercom's limits: at each round the shift that saves most.</summary>
internal static class ShiftedEdits
{
    private const int LongestShift = 10, FarthestShift = 50, MostCandidates = 1000, Beam = 25;
    private const int Infinity = 1 << 29;

    private enum Op : byte
    {
        None,
        Same,
        Substitute,
        Insert,
        Delete,
    }

    /// <summary>How many shifts and edits make the reference of the hypothesis.</summary>
    public static int Count(string[] hypothesis, string[] reference)
    {
        if (reference.Length == 0) return hypothesis.Length;
        int shifts = 0, candidates = 0;
        while (true)
        {
            var (saved, shifted) = BestShift(hypothesis, reference, ref candidates);
            if (candidates >= MostCandidates || saved <= 0) break;
            shifts++;
            hypothesis = shifted;
        }

        return shifts + Distance(hypothesis, reference, out _);
    }

    private static (int Saved, string[] Shifted) BestShift(string[] own, string[] other, ref int candidates)
    {
        int before = Distance(own, other, out List<Op> path);
        var (align, otherWrong, ownWrong) = Alignment(path);
        (int Saved, int Length, int Start, int Target, string[] Words)? best = null;
        foreach (var (start, place, length) in SharedRuns(own, other))
        {
            if (!AnyWrong(ownWrong, start, length) || !AnyWrong(otherWrong, place, length)) continue;
            if (align[place] >= start && align[place] < start + length) continue;
            int last = -1;
            for (int offset = -1; offset < length; offset++)
            {
                int target;
                if (place + offset == -1) target = 0;
                else if (place + offset < align.Count) target = align[place + offset] + 1;
                else break;
                if (target == last) continue;
                last = target;
                string[] shifted = Shifted(own, start, length, target);
                var candidate = (before - Distance(shifted, other, out _), length, -start, -target, shifted);
                candidates++;
                if (best is null || IsBetter(candidate, best.Value)) best = candidate;
            }

            if (candidates >= MostCandidates) break;
        }

        return best is { } found ? (found.Saved, found.Words) : (0, own);
    }

    private static bool IsBetter((int Saved, int Length, int Start, int Target, string[] Words) a, (int Saved, int Length, int Start, int Target, string[] Words) b)
    {
        int order = (a.Saved, a.Length, a.Start, a.Target).CompareTo((b.Saved, b.Length, b.Start, b.Target));
        for (int i = 0; order == 0 && i < a.Words.Length; i++) order = string.CompareOrdinal(a.Words[i], b.Words[i]);
        return order > 0;
    }

    private static bool AnyWrong(List<bool> wrong, int start, int length)
    {
        for (int i = start; i < start + length && i < wrong.Count; i++)
            if (wrong[i]) return true;
        return false;
    }

    private static IEnumerable<(int Start, int Place, int Length)> SharedRuns(string[] own, string[] other)
    {
        for (int start = 0; start < own.Length; start++)
        {
            for (int place = 0; place < other.Length; place++)
            {
                if (Math.Abs(place - start) > FarthestShift) continue;
                for (int length = 0; length < LongestShift && start + length < own.Length && place + length < other.Length && own[start + length] == other[place + length];)
                    yield return (start, place, ++length);
            }
        }
    }

    private static string[] Shifted(string[] words, int start, int length, int target)
    {
        string[] run = words[start..(start + length)];
        if (target < start) return [.. words[..target], .. run, .. words[target..start], .. words[(start + length)..]];
        if (target > start + length) return [.. words[..start], .. words[(start + length)..target], .. run, .. words[target..]];
        int end = Math.Min(length + target, words.Length);
        return [.. words[..start], .. words[(start + length)..end], .. run, .. words[end..]];
    }

    /// <summary>For each word of the reference the word of the hypothesis that it stands at, and which words of either are wrong. The path makes the reference of the hypothesis; seen from
    /// the other side its insertions are deletions.</summary>
    private static (List<int> Align, List<bool> OtherWrong, List<bool> OwnWrong) Alignment(List<Op> path)
    {
        var (align, otherWrong, ownWrong) = (new List<int>(), new List<bool>(), new List<bool>());
        int at = -1;
        foreach (Op op in path)
        {
            if (op != Op.Insert)
            {
                at++;
                ownWrong.Add(op != Op.Same);
            }

            if (op == Op.Delete) continue;
            align.Add(at);
            otherWrong.Add(op != Op.Same);
        }

        return (align, otherWrong, ownWrong);
    }

    /// <summary>Levenshtein's distance within a beam about the diagonal, and a path: a match or substitution before a deletion before an insertion.</summary>
    private static int Distance(string[] own, string[] other, out List<Op> path)
    {
        int width = other.Length + 1;
        var cost = new int[(own.Length + 1) * width];
        var ops = new Op[cost.Length];
        Array.Fill(cost, Infinity);
        for (int j = 0; j < width; j++) (cost[j], ops[j]) = (j, Op.Insert);
        double ratio = own.Length > 0 ? (double)other.Length / own.Length : 1;
        int beam = Beam < ratio / 2 ? (int)Math.Ceiling(ratio / 2 + Beam) : Beam;
        for (int i = 1; i <= own.Length; i++)
        {
            int diagonal = (int)Math.Floor(i * ratio), least = Math.Max(0, diagonal - beam), most = i == own.Length ? width : Math.Min(width, diagonal + beam);
            for (int j = least; j < most; j++)
            {
                int here = i * width + j, above = here - width;
                if (j == 0)
                {
                    (cost[here], ops[here]) = (cost[above] + 1, Op.Delete);
                    continue;
                }

                bool same = own[i - 1] == other[j - 1];
                Offer(cost[above - 1] + (same ? 0 : 1), same ? Op.Same : Op.Substitute);
                Offer(cost[above] + 1, Op.Delete);
                Offer(cost[here - 1] + 1, Op.Insert);

                void Offer(int value, Op op)
                {
                    if (cost[here] > value) (cost[here], ops[here]) = (value, op);
                }
            }
        }

        path = [];
        for (int i = own.Length, j = other.Length; i > 0 || j > 0;)
        {
            Op op = ops[i * width + j];
            path.Add(op);
            if (op != Op.Insert) i--;
            if (op != Op.Delete) j--;
        }

        path.Reverse();
        return cost[^1];
    }
}
