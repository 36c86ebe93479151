namespace KernelTune.Data;

/// <summary>A batch of pairs: [2 · Pairs, Columns], row-major; the better answers first, the worse ones after them.</summary>
public sealed class PreferenceBatch : IBatch
{
    public required int Pairs { get; init; }

    public required int Columns { get; init; }

    public required int[] InputIds { get; init; }

    /// <summary>1 for tokens and 0 for padding.</summary>
    public required int[] AttentionMask { get; init; }

    /// <summary>1 for the tokens of answers.</summary>
    public required int[] CompletionMask { get; init; }

    public required int Tokens { get; init; }

    public bool EndsEpoch { get; init; }

    int IBatch.Rows => 2 * Pairs;

    int IBatch.Items => Tokens;

    /// <summary>A pair is one comparison: the loss of a step is the mean over pairs.</summary>
    int IBatch.LabelCount => Pairs;
}

/// <summary>TRL's DataCollatorForPreference: each answer behind its prompt, cut to max_length, padded on the right.</summary>
public sealed record PreferenceCollator
{
    public required int PadTokenId { get; init; }

    /// <summary>Null: nothing is cut.</summary>
    public int? MaxLength { get; init; }

    public TruncationSide Truncation { get; init; }

    public int? PadToMultipleOf { get; init; }

    /// <exception cref="ArgumentException">There are no rows.</exception>
    public PreferenceBatch Collate(IReadOnlyList<PreferenceRow> rows, bool endsEpoch = false)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0) throw new ArgumentException("a batch needs at least one row", nameof(rows));
        (int[] Ids, int Prompt)[] sequences = [.. rows.Select(r => Cut(r.Prompt, r.Chosen)), .. rows.Select(r => Cut(r.Prompt, r.Rejected))];
        int columns = sequences.Max(s => s.Ids.Length);
        if (PadToMultipleOf is { } m) columns = (columns + m - 1) / m * m;
        int[] ids = new int[sequences.Length * columns], mask = new int[ids.Length], completion = new int[ids.Length];
        Array.Fill(ids, PadTokenId);
        for (int r = 0; r < sequences.Length; r++)
        {
            (int[] own, int prompt) = sequences[r];
            own.CopyTo(ids, r * columns);
            mask.AsSpan(r * columns, own.Length).Fill(1);
            completion.AsSpan((r * columns) + prompt, own.Length - prompt).Fill(1);
        }

        return new PreferenceBatch
        {
            Pairs = rows.Count,
            Columns = columns,
            InputIds = ids,
            AttentionMask = mask,
            CompletionMask = completion,
            Tokens = sequences.Sum(s => s.Ids.Length),
            EndsEpoch = endsEpoch,
        };
    }

    private (int[] Ids, int Prompt) Cut(int[] prompt, int[] answer)
    {
        int[] ids = [.. prompt, .. answer];
        if (MaxLength is not { } most || ids.Length <= most) return (ids, prompt.Length);
        return Truncation == TruncationSide.KeepStart
            ? (ids[..most], Math.Min(prompt.Length, most))
            : (ids[^most..], Math.Max(0, prompt.Length - (ids.Length - most)));
    }
}
