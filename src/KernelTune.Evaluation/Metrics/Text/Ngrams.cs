namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>Runs of n neighbours, counted.</summary>
internal static class Ngrams
{
    private const char Joint = '\u0001';

    /// <summary>How often each run of <paramref name="n"/> words is seen.</summary>
    public static Dictionary<string, int> OfWords(IReadOnlyList<string> words, int n)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i + n <= words.Count; i++)
        {
            string key = string.Join(Joint, words.Skip(i).Take(n));
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }

        return counts;
    }

    /// <summary>How often each run of <paramref name="n"/> code points is seen.</summary>
    public static Dictionary<string, int> OfCharacters(string text, int n)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        string[] points = Words.CodePoints(text);
        for (int i = 0; i + n <= points.Length; i++)
        {
            string key = string.Concat(points.AsSpan(i, n)!);
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }

        return counts;
    }

    /// <summary>Σ min of both counts.</summary>
    public static int Shared(Dictionary<string, int> a, Dictionary<string, int> b) => a.Sum(p => Math.Min(p.Value, b.GetValueOrDefault(p.Key)));
}
