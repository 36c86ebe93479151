namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>What every score of texts asks of its texts.</summary>
internal static class Segments
{
    /// <summary>Refuses texts that do not stand beside each other: a list of references for each hypothesis, none of them empty, no text null.</summary>
    /// <exception cref="ArgumentException">Which segment is wrong, and how.</exception>
    public static void Check(IReadOnlyList<string> hypotheses, IReadOnlyList<IReadOnlyList<string>> references)
    {
        ArgumentNullException.ThrowIfNull(hypotheses);
        ArgumentNullException.ThrowIfNull(references);
        if (references.Count != hypotheses.Count) throw new ArgumentException($"{references.Count} lists of references stand beside {hypotheses.Count} hypotheses", nameof(references));
        for (int s = 0; s < hypotheses.Count; s++)
        {
            if (hypotheses[s] is null) throw new ArgumentException($"the hypothesis of segment {s} is null", nameof(hypotheses));
            if (references[s] is null || references[s].Count == 0) throw new ArgumentException($"segment {s} has no reference", nameof(references));
            for (int r = 0; r < references[s].Count; r++)
                if (references[s][r] is null) throw new ArgumentException($"reference {r} of segment {s} is null", nameof(references));
        }
    }

    /// <summary>Refuses an answer that has nothing to be compared with.</summary>
    /// <exception cref="ArgumentException">There is no reference.</exception>
    public static void CheckOne<T>(IReadOnlyList<T> references, string name)
    {
        ArgumentNullException.ThrowIfNull(references, name);
        if (references.Count == 0) throw new ArgumentException("there is no reference", name);
    }
}
