namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>CIDEr-D (Vedantam et al., 2015) as the COCO captions' script computes it: how often an n-gram is seen in the references of the same corpus weighs it.</summary>
/// <param name="MaxOrder">The longest n-grams, in words.</param>
/// <param name="Sigma">How soon a difference in length is punished.</param>
public sealed record Cider(int MaxOrder = 4, double Sigma = 6)
{
    /// <summary>The mean score and each segment's, from 0 to 10. Words are what stands between white space.</summary>
    /// <param name="hypotheses">A text a segment.</param>
    /// <param name="references">references[segment]: the texts that it is judged by.</param>
    /// <exception cref="ArgumentException">There is no hypothesis, there are not as many lists of references as hypotheses, a segment has none, a text is null, or a setting is out of its range.</exception>
    public (double Score, IReadOnlyList<double> Each) Score(IReadOnlyList<string> hypotheses, IReadOnlyList<IReadOnlyList<string>> references)
    {
        Segments.Check(hypotheses, references);
        if (hypotheses.Count == 0) throw new ArgumentException("there is no hypothesis: a mean of none is no score", nameof(hypotheses));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxOrder, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Sigma);
        var others = references.Select(r => r.Select(Counts).ToList()).ToList();
        var seenIn = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var segment in others)
            foreach (string gram in segment.SelectMany(r => r.SelectMany(n => n.Keys)).Distinct(StringComparer.Ordinal)) seenIn[gram] = seenIn.GetValueOrDefault(gram) + 1;
        double logSegments = Math.Log(others.Count);
        double[] each = [.. hypotheses.Select((h, s) =>
        {
            var own = Weighted(Counts(h), seenIn, logSegments);
            return 10 * others[s].Average(r => Similarity(own, Weighted(r, seenIn, logSegments)));
        })];
        return (each.Average(), each);
    }

    private List<Dictionary<string, int>> Counts(string text)
    {
        List<string> words = Words.Split(text);
        return [.. Enumerable.Range(1, MaxOrder).Select(n => Ngrams.OfWords(words, n))];
    }

    /// <summary>Times seen × log(segments / segments seen in), by order; the length is that in pairs of words.</summary>
    private static (List<Dictionary<string, double>> Weights, double Length) Weighted(List<Dictionary<string, int>> counts, Dictionary<string, int> seenIn, double logSegments) =>
        ([.. counts.Select(c => c.ToDictionary(g => g.Key, g => g.Value * (logSegments - Math.Log(Math.Max(1, seenIn.GetValueOrDefault(g.Key)))), StringComparer.Ordinal))], counts.Count > 1 ? counts[1].Values.Sum() : 0);

    private double Similarity((List<Dictionary<string, double>> Weights, double Length) own, (List<Dictionary<string, double>> Weights, double Length) other)
    {
        double sum = 0, difference = own.Length - other.Length;
        for (int n = 0; n < MaxOrder; n++)
        {
            double shared = own.Weights[n].Sum(g => other.Weights[n].GetValueOrDefault(g.Key) is var r ? Math.Min(g.Value, r) * r : 0);
            double norms = Math.Sqrt(own.Weights[n].Values.Sum(v => v * v)) * Math.Sqrt(other.Weights[n].Values.Sum(v => v * v));
            sum += norms > 0 ? shared / norms : shared;
        }

        return sum / MaxOrder * Math.Exp(-difference * difference / (2 * Sigma * Sigma));
    }
}
