namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>How chrF is computed; what is not set is sacrebleu's default. chrF++ has a word order of 2.</summary>
public sealed record ChrfSettings
{
    public int CharacterOrder { get; init; } = 6;

    public int WordOrder { get; init; }

    public double Beta { get; init; } = 2;

    public bool Lowercase { get; init; }

    /// <summary>White space counts as characters.</summary>
    public bool Whitespace { get; init; }

    /// <summary>The mean of the orders' F-scores with 10⁻¹⁶ for what is missing, instead of the F-score of their mean precision and recall.</summary>
    public bool EpsSmoothing { get; init; }
}

/// <summary>chrF and chrF++ (Popović, 2015 and 2017) as sacrebleu computes them, from 0 to 100.</summary>
public static class Chrf
{
    private const string Punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    /// <summary>chrF of a corpus: for each segment the counts against its best reference, added up.</summary>
    /// <param name="hypotheses">A text a segment.</param>
    /// <param name="references">references[segment]: the texts that it is judged by.</param>
    /// <param name="settings">How it is computed.</param>
    /// <exception cref="ArgumentException">There are not as many lists of references as hypotheses, a segment has none, a text is null, or a setting is out of its range.</exception>
    public static double Corpus(IReadOnlyList<string> hypotheses, IReadOnlyList<IReadOnlyList<string>> references, ChrfSettings? settings = null)
    {
        Segments.Check(hypotheses, references);
        settings ??= new ChrfSettings();
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.CharacterOrder, 1, nameof(settings));
        ArgumentOutOfRangeException.ThrowIfNegative(settings.WordOrder, nameof(settings));
        if (!(settings.Beta > 0 && double.IsFinite(settings.Beta))) throw new ArgumentOutOfRangeException(nameof(settings), settings.Beta, "beta must be a number above 0");
        var sum = new (double Own, double Other, double Shared)[settings.CharacterOrder + settings.WordOrder];
        for (int s = 0; s < hypotheses.Count; s++)
        {
            var own = Grams(hypotheses[s], settings);
            (double Own, double Other, double Shared)[] best = [];
            double bestScore = -1;
            foreach (string reference in references[s])
            {
                var counts = own.Zip(Grams(reference, settings), (h, r) => (r.Count == 0 ? 0.0 : h.Values.Sum(), (double)r.Values.Sum(), (double)Ngrams.Shared(h, r))).ToArray();
                if (Score(counts, settings) is var score && score > bestScore) (best, bestScore) = (counts, score);
            }

            for (int i = 0; i < best.Length; i++) sum[i] = (sum[i].Own + best[i].Own, sum[i].Other + best[i].Other, sum[i].Shared + best[i].Shared);
        }

        return Score(sum, settings);
    }

    /// <summary>chrF of one segment against its best reference.</summary>
    public static double Sentence(string hypothesis, IReadOnlyList<string> references, ChrfSettings? settings = null) => Corpus([hypothesis], [references], settings);

    private static List<Dictionary<string, int>> Grams(string text, ChrfSettings settings)
    {
        if (settings.Lowercase) text = text.ToLowerInvariant();
        string characters = settings.Whitespace ? text : string.Concat(Words.Split(text));
        var grams = Enumerable.Range(1, settings.CharacterOrder).Select(n => Ngrams.OfCharacters(characters, n)).ToList();
        if (settings.WordOrder == 0) return grams;
        List<string> words = [.. Words.Split(text).SelectMany(Parted)];
        grams.AddRange(Enumerable.Range(1, settings.WordOrder).Select(n => Ngrams.OfWords(words, n)));
        return grams;
    }

    /// <summary>A punctuation mark at one end of a word is a word: at its end, or else at its beginning.</summary>
    private static IEnumerable<string> Parted(string word)
    {
        if (word.EnumerateRunes().Count() == 1) return [word];
        if (Punctuation.Contains(word[^1], StringComparison.Ordinal)) return [word[..^1], word[^1..]];
        return Punctuation.Contains(word[0], StringComparison.Ordinal) ? [word[..1], word[1..]] : [word];
    }

    private static double Score((double Own, double Other, double Shared)[] counts, ChrfSettings settings)
    {
        const double Eps = 1e-16;
        double factor = settings.Beta * settings.Beta, sum = 0, precision = 0, recall = 0;
        int orders = 0;
        foreach (var (own, other, shared) in counts)
        {
            double p = own > 0 ? shared / own : Eps, r = other > 0 ? shared / other : Eps;
            double weight = factor * p + r;
            sum += weight > 0 ? (1 + factor) * p * r / weight : Eps;
            if (own <= 0 || other <= 0) continue;
            precision += p;
            recall += r;
            orders++;
        }

        if (settings.EpsSmoothing) return 100 * sum / counts.Length;
        if (orders == 0 || precision + recall == 0) return 0;
        precision /= orders;
        recall /= orders;
        return 100 * (1 + factor) * precision * recall / (factor * precision + recall);
    }
}
