namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>METEOR (Banerjee and Lavie, 2005) as NLTK computes it, without WordNet: words match exactly, then by their stems.</summary>
/// <param name="Alpha">The weight of precision in the mean.</param>
/// <param name="Beta">The exponent of the penalty.</param>
/// <param name="Gamma">The greatest penalty.</param>
public sealed record Meteor(double Alpha = 0.9, double Beta = 3, double Gamma = 0.5)
{
    /// <summary>From 0 to 1: the best reference counts.</summary>
    /// <exception cref="ArgumentException">There is no reference.</exception>
    public double Score(IReadOnlyList<string> hypothesis, IReadOnlyList<IReadOnlyList<string>> references)
    {
        ArgumentNullException.ThrowIfNull(hypothesis);
        Segments.CheckOne(references, nameof(references));
        return references.Max(r => Single(hypothesis, r));
    }

    private double Single(IReadOnlyList<string> hypothesis, IReadOnlyList<string> reference)
    {
        List<(int At, string Word)> own = Numbered(hypothesis), other = Numbered(reference);
        List<(int Own, int Other)> matches = [.. Matched(own, other, w => w), .. Matched(own, other, PorterStemmer.Stem)];
        if (matches.Count == 0) return 0;
        matches.Sort();
        double precision = (double)matches.Count / hypothesis.Count, recall = (double)matches.Count / reference.Count;
        int chunks = 1;
        for (int i = 1; i < matches.Count; i++)
            if (matches[i].Own != matches[i - 1].Own + 1 || matches[i].Other != matches[i - 1].Other + 1) chunks++;
        double penalty = Gamma * Math.Pow((double)chunks / matches.Count, Beta);
        return (1 - penalty) * (precision * recall / (Alpha * precision + (1 - Alpha) * recall));
    }

    private static List<(int, string)> Numbered(IReadOnlyList<string> words) => [.. words.Select((w, i) => (i, w.ToLowerInvariant()))];

    /// <summary>From the end of the hypothesis on, each word with the last word of the reference that is still free; what matched is taken out.</summary>
    private static List<(int, int)> Matched(List<(int At, string Word)> own, List<(int At, string Word)> other, Func<string, string> form)
    {
        var matches = new List<(int, int)>();
        for (int i = own.Count - 1; i >= 0; i--)
        {
            int j = other.FindLastIndex(o => form(o.Word) == form(own[i].Word));
            if (j < 0) continue;
            matches.Add((own[i].At, other[j].At));
            own.RemoveAt(i);
            other.RemoveAt(j);
        }

        return matches;
    }
}
