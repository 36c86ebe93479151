namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>What stands in for an n-gram precision of zero (Chen and Cherry, 2014).</summary>
public enum BleuSmoothing
{
    None,

    /// <summary>A small count instead of zero.</summary>
    Floor,

    /// <summary>As much added to matches and totals, from pairs on.</summary>
    AddK,

    /// <summary>1/2, 1/4, 1/8 … of a match.</summary>
    Exponential,
}

/// <summary>How BLEU is computed; what is not set is sacrebleu's default.</summary>
public sealed record BleuSettings
{
    public BleuTokenization Tokenization { get; init; } = BleuTokenization.V13a;

    public bool Lowercase { get; init; }

    public BleuSmoothing Smoothing { get; init; } = BleuSmoothing.Exponential;

    /// <summary>The floor (0.1 if not set) or k (1 if not set).</summary>
    public double? SmoothValue { get; init; }

    public int MaxOrder { get; init; } = 4;

    /// <summary>Orders for which the hypothesis is too short do not count; meant for sentences.</summary>
    public bool EffectiveOrder { get; init; }
}

/// <summary>BLEU and what it is made of.</summary>
/// <param name="Score">From 0 to 100.</param>
/// <param name="Counts">Matching n-grams by order, smoothing added.</param>
/// <param name="Totals">The hypotheses' n-grams by order, smoothing added.</param>
/// <param name="Precisions">In percent, by order.</param>
/// <param name="BrevityPenalty">1, or less where the hypotheses are shorter than the references.</param>
/// <param name="HypothesisLength">In words.</param>
/// <param name="ReferenceLength">In words: for each hypothesis that of the reference closest to it in length.</param>
public sealed record BleuScore(double Score, IReadOnlyList<double> Counts, IReadOnlyList<double> Totals, IReadOnlyList<double> Precisions, double BrevityPenalty, int HypothesisLength, int ReferenceLength);

/// <summary>BLEU (Papineni et al., 2002) as sacrebleu computes it (Post, 2018).</summary>
public static class Bleu
{
    /// <summary>BLEU of a corpus.</summary>
    /// <param name="hypotheses">A text a segment.</param>
    /// <param name="references">references[segment]: the texts that it is judged by, at least one.</param>
    /// <param name="settings">How it is computed.</param>
    /// <exception cref="ArgumentException">There are not as many lists of references as hypotheses, a segment has none, a text is null, or a setting is out of its range.</exception>
    public static BleuScore Corpus(IReadOnlyList<string> hypotheses, IReadOnlyList<IReadOnlyList<string>> references, BleuSettings? settings = null)
    {
        Segments.Check(hypotheses, references);
        settings ??= new BleuSettings();
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.MaxOrder, 1, nameof(settings));
        if (settings.SmoothValue is { } smooth && !(smooth >= 0 && double.IsFinite(smooth))) throw new ArgumentOutOfRangeException(nameof(settings), smooth, "the value of smoothing must be a number not below 0");
        double[] correct = new double[settings.MaxOrder], total = new double[settings.MaxOrder];
        int hypothesisLength = 0, referenceLength = 0;
        for (int s = 0; s < hypotheses.Count; s++)
        {
            List<string> own = Cut(hypotheses[s], settings);
            List<List<string>> others = [.. references[s].Select(r => Cut(r, settings))];
            hypothesisLength += own.Count;
            referenceLength += others.Select(o => o.Count).OrderBy(n => Math.Abs(n - own.Count)).ThenBy(n => n).First();
            for (int n = 1; n <= settings.MaxOrder; n++)
            {
                var most = new Dictionary<string, int>(StringComparer.Ordinal);
                foreach (List<string> other in others)
                    foreach ((string gram, int count) in Ngrams.OfWords(other, n)) most[gram] = Math.Max(count, most.GetValueOrDefault(gram));
                Dictionary<string, int> grams = Ngrams.OfWords(own, n);
                correct[n - 1] += Ngrams.Shared(grams, most);
                total[n - 1] += grams.Values.Sum();
            }
        }

        return Score(correct, total, hypothesisLength, referenceLength, settings);
    }

    /// <summary>BLEU of one segment.</summary>
    public static BleuScore Sentence(string hypothesis, IReadOnlyList<string> references, BleuSettings? settings = null) => Corpus([hypothesis], [references], settings);

    private static List<string> Cut(string text, BleuSettings settings) =>
        Words.Split(BleuTokenizer.Apply(Words.TrimEnd(settings.Lowercase ? text.ToLowerInvariant() : text), settings.Tokenization));

    private static BleuScore Score(double[] correct, double[] total, int hypothesisLength, int referenceLength, BleuSettings settings)
    {
        double penalty = hypothesisLength >= referenceLength ? 1 : hypothesisLength > 0 ? Math.Exp(1 - (double)referenceLength / hypothesisLength) : 0;
        double[] precisions = new double[settings.MaxOrder];
        if (correct.All(c => c == 0)) return new BleuScore(0, correct, total, precisions, penalty, hypothesisLength, referenceLength);
        double halved = 1;
        int order = settings.MaxOrder;
        for (int n = 0; n < settings.MaxOrder; n++)
        {
            if (settings.Smoothing == BleuSmoothing.AddK && n > 0)
            {
                correct[n] += settings.SmoothValue ?? 1;
                total[n] += settings.SmoothValue ?? 1;
            }

            if (total[n] == 0) break;
            if (settings.EffectiveOrder) order = n + 1;
            if (correct[n] > 0) precisions[n] = 100 * correct[n] / total[n];
            else if (settings.Smoothing == BleuSmoothing.Exponential) precisions[n] = 100 / ((halved *= 2) * total[n]);
            else if (settings.Smoothing == BleuSmoothing.Floor) precisions[n] = 100 * (settings.SmoothValue ?? 0.1) / total[n];
        }

        // A precision of zero makes the mean zero: its logarithm is as good as −∞.
        double sum = precisions.Take(order).Sum(p => p == 0 ? -9999999999 : Math.Log(p));
        return new BleuScore(penalty * Math.Exp(sum / order), correct, total, precisions, penalty, hypothesisLength, referenceLength);
    }
}
