namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>Precision, recall and their harmonic mean, from 0 to 1.</summary>
public readonly record struct PrecisionRecall(double Precision, double Recall)
{
    public double F1 => Precision + Recall > 0 ? 2 * Precision * Recall / (Precision + Recall) : 0;
}

/// <summary>ROUGE (Lin, 2004) as Google's rouge-score computes it. Words are runs of a to z and 0 to 9 in lower case, whatever else stands in the text.</summary>
public sealed class Rouge(bool useStemmer = false)
{
    /// <summary>ROUGE-n: runs of n words.</summary>
    /// <exception cref="ArgumentOutOfRangeException">n is below 1.</exception>
    public PrecisionRecall Score(string hypothesis, string reference, int n)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        Dictionary<string, int> own = Ngrams.OfWords(Tokens(hypothesis), n), other = Ngrams.OfWords(Tokens(reference), n);
        double shared = Ngrams.Shared(own, other);
        return new PrecisionRecall(shared / Math.Max(own.Values.Sum(), 1), shared / Math.Max(other.Values.Sum(), 1));
    }

    /// <summary>ROUGE-L: the longest common subsequence of words.</summary>
    public PrecisionRecall ScoreLongest(string hypothesis, string reference)
    {
        List<string> own = Tokens(hypothesis), other = Tokens(reference);
        if (own.Count == 0 || other.Count == 0) return default;
        double length = Table(other, own)[other.Count, own.Count];
        return new PrecisionRecall(length / own.Count, length / other.Count);
    }

    /// <summary>ROUGE-Lsum: for each line of the reference what common subsequences with the hypothesis' lines it holds together; no word counts more often than it is seen.</summary>
    public PrecisionRecall ScoreSummary(string hypothesis, string reference)
    {
        ArgumentNullException.ThrowIfNull(hypothesis);
        ArgumentNullException.ThrowIfNull(reference);
        List<List<string>> own = Lines(hypothesis), other = Lines(reference);
        int ownCount = own.Sum(l => l.Count), otherCount = other.Sum(l => l.Count);
        if (ownCount == 0 || otherCount == 0) return default;
        Dictionary<string, int> left = Counts(own), otherLeft = Counts(other);
        int hits = 0;
        foreach (List<string> line in other)
        {
            foreach (int i in own.SelectMany(o => Common(line, o)).Distinct().Order())
            {
                if (left.GetValueOrDefault(line[i]) <= 0 || otherLeft[line[i]] <= 0) continue;
                hits++;
                left[line[i]]--;
                otherLeft[line[i]]--;
            }
        }

        return new PrecisionRecall((double)hits / ownCount, (double)hits / otherCount);
    }

    private static Dictionary<string, int> Counts(List<List<string>> lines) => lines.SelectMany(l => l).GroupBy(w => w, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal);

    private List<List<string>> Lines(string text) => [.. text.Split('\n').Where(l => l.Length > 0).Select(Tokens)];

    private List<string> Tokens(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var tokens = new List<string>();
        string lower = text.ToLowerInvariant();
        for (int i = 0; i < lower.Length;)
        {
            int begin = i;
            while (i < lower.Length && lower[i] is (>= 'a' and <= 'z') or (>= '0' and <= '9')) i++;
            if (i > begin) tokens.Add(useStemmer && i - begin > 3 ? PorterStemmer.Stem(lower[begin..i]) : lower[begin..i]);
            else i++;
        }

        return tokens;
    }

    private static int[,] Table(List<string> a, List<string> b)
    {
        int[,] length = new int[a.Count + 1, b.Count + 1];
        for (int i = 1; i <= a.Count; i++)
            for (int j = 1; j <= b.Count; j++)
                length[i, j] = a[i - 1] == b[j - 1] ? length[i - 1, j - 1] + 1 : Math.Max(length[i - 1, j], length[i, j - 1]);
        return length;
    }

    /// <summary>Which words of <paramref name="line"/> a longest common subsequence holds.</summary>
    private static List<int> Common(List<string> line, List<string> other)
    {
        int[,] length = Table(line, other);
        var found = new List<int>();
        for (int i = line.Count, j = other.Count; i > 0 && j > 0;)
        {
            if (line[i - 1] == other[j - 1])
            {
                found.Add(--i);
                j--;
            }
            else if (length[i, j - 1] > length[i - 1, j]) j--;
            else i--;
        }

        return found;
    }
}
