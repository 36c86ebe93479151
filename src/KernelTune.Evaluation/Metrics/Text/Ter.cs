namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>How texts are cut for TER; what is not set is sacrebleu's default.</summary>
public sealed record TerSettings
{
    /// <summary>Punctuation is set apart, as Tercom's normalization does.</summary>
    public bool Normalized { get; init; }

    /// <summary>Punctuation goes.</summary>
    public bool NoPunctuation { get; init; }

    /// <summary>Chinese and Japanese characters are cut apart where texts are normalized, their punctuation counts as such.</summary>
    public bool AsianSupport { get; init; }

    public bool CaseSensitive { get; init; }
}

/// <summary>TER and what it is made of.</summary>
/// <param name="Score">In percent.</param>
/// <param name="Edits">Insertions, deletions, substitutions and shifts.</param>
/// <param name="ReferenceLength">The references' mean lengths, added up.</param>
public sealed record TerScore(double Score, double Edits, double ReferenceLength);

/// <summary>Translation edit rate (Snover et al., 2006) as sacrebleu, after Tercom, computes it: edits against the closest reference over the references' mean length.</summary>
public static class Ter
{
    /// <summary>TER of a corpus.</summary>
    /// <param name="hypotheses">A text a segment.</param>
    /// <param name="references">references[segment]: the texts that it is judged by.</param>
    /// <param name="settings">How texts are cut.</param>
    /// <exception cref="ArgumentException">There are not as many lists of references as hypotheses, a segment has none, or a text is null.</exception>
    public static TerScore Corpus(IReadOnlyList<string> hypotheses, IReadOnlyList<IReadOnlyList<string>> references, TerSettings? settings = null)
    {
        Segments.Check(hypotheses, references);
        settings ??= new TerSettings();
        double edits = 0, length = 0;
        for (int s = 0; s < hypotheses.Count; s++)
        {
            string[] own = TerTokenizer.Apply(hypotheses[s], settings);
            int best = int.MaxValue, words = 0;
            foreach (string reference in references[s])
            {
                string[] other = TerTokenizer.Apply(reference, settings);
                best = Math.Min(best, ShiftedEdits.Count(own, other));
                words += other.Length;
            }

            edits += best;
            length += (double)words / references[s].Count;
        }

        return new TerScore(100 * (length > 0 ? edits / length : edits > 0 ? 1 : 0), edits, length);
    }

    /// <summary>TER of one segment.</summary>
    public static TerScore Sentence(string hypothesis, IReadOnlyList<string> references, TerSettings? settings = null) => Corpus([hypothesis], [references], settings);
}
