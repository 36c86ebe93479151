namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>distinct-n (Li et al., 2016).</summary>
public static class Diversity
{
    /// <summary>Different runs of n words over all of them, in all texts together; NaN where there is none.</summary>
    /// <param name="texts">Each a list of words.</param>
    /// <param name="n">How many words make a run.</param>
    public static double Distinct(IReadOnlyList<IReadOnlyList<string>> texts, int n)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        double all = 0;
        foreach (IReadOnlyList<string> text in texts)
        {
            foreach ((string gram, int count) in Ngrams.OfWords(text, n))
            {
                seen.Add(gram);
                all += count;
            }
        }

        return seen.Count / all;
    }
}
