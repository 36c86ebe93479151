namespace KernelTune.Data;

/// <summary>
/// TRL's collator for language modelling. Padded: rows filled up on the right. Flattened (padding-free): all sequences end to end in one row, each starting at
/// position 0, where the label becomes −100, so that no sequence is asked to foretell the next.
/// </summary>
public sealed record SftCollator
{
    public required int PadTokenId { get; init; }

    /// <summary>True: flattened. Rows that hold several sequences are then kept apart.</summary>
    public bool PaddingFree { get; init; }

    /// <summary>Columns are rounded up to a multiple of this; null: they are not.</summary>
    public int? PadToMultipleOf { get; init; }

    /// <summary>True: padded batches state positions too, counted within each sequence of a row.</summary>
    public bool ReturnPositionIds { get; init; }

    /// <summary>The rows as one batch.</summary>
    /// <exception cref="ArgumentException">There are none.</exception>
    public Batch Collate(IReadOnlyList<TokenRow> rows, bool endsEpoch = false)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0) throw new ArgumentException("a batch needs at least one row", nameof(rows));
        return PaddingFree ? Flattened(rows, endsEpoch) : Padded(rows, endsEpoch);
    }

    private Batch Padded(IReadOnlyList<TokenRow> rows, bool endsEpoch)
    {
        int columns = Rounded(rows.Max(r => r.Ids.Length));
        var ids = new int[rows.Count * columns];
        var labels = new int[rows.Count * columns];
        var mask = new int[rows.Count * columns];
        int[]? positions = ReturnPositionIds ? new int[rows.Count * columns] : null;
        Array.Fill(ids, PadTokenId);
        Array.Fill(labels, TokenRow.Ignored);
        for (int r = 0; r < rows.Count; r++)
        {
            TokenRow row = rows[r];
            row.Ids.CopyTo(ids, r * columns);
            row.Labels.CopyTo(labels, r * columns);
            mask.AsSpan(r * columns, row.Ids.Length).Fill(1);
            if (positions is not null) WritePositions(row, positions.AsSpan(r * columns));
        }

        return new Batch
        {
            Rows = rows.Count,
            Columns = columns,
            InputIds = ids,
            Labels = labels,
            AttentionMask = mask,
            PositionIds = positions,
            Source = Sources(rows),
            Tokens = rows.Sum(r => r.Ids.Length + (r.Source?.Length ?? 0)),
            EndsEpoch = endsEpoch,
        };
    }

    private SourceColumns? Sources(IReadOnlyList<TokenRow> rows)
    {
        if (rows[0].Source is null) return null;
        int columns = Rounded(rows.Max(r => r.Source!.Length));
        var (ids, mask) = (new int[rows.Count * columns], new int[rows.Count * columns]);
        Array.Fill(ids, PadTokenId);
        for (int r = 0; r < rows.Count; r++)
        {
            rows[r].Source!.CopyTo(ids, r * columns);
            mask.AsSpan(r * columns, rows[r].Source!.Length).Fill(1);
        }

        return new SourceColumns(columns, ids, mask);
    }

    private Batch Flattened(IReadOnlyList<TokenRow> rows, bool endsEpoch)
    {
        int tokens = rows.Sum(r => r.Ids.Length), columns = Rounded(tokens), at = 0;
        var ids = new int[columns];
        var labels = new int[columns];
        var positions = new int[columns];
        Array.Fill(ids, PadTokenId);
        Array.Fill(labels, TokenRow.Ignored);
        foreach (TokenRow row in rows)
        {
            row.Ids.CopyTo(ids, at);
            row.Labels.CopyTo(labels, at);
            WritePositions(row, positions.AsSpan(at));
            at += row.Ids.Length;
        }

        for (int c = 0; c < columns; c++)
            if (positions[c] == 0) labels[c] = TokenRow.Ignored;
        (int[] starts, int[] index, int longest) = SequenceBounds.Of(positions, 0);
        return new Batch
        {
            Rows = 1,
            Columns = columns,
            InputIds = ids,
            Labels = labels,
            PositionIds = positions,
            CuSeqLens = starts,
            SequenceIndex = index,
            LongestSequence = longest,
            Tokens = tokens,
            EndsEpoch = endsEpoch,
        };
    }

    private static void WritePositions(TokenRow row, Span<int> into)
    {
        if (row.SequenceLengths is null)
        {
            for (int i = 0; i < row.Ids.Length; i++) into[i] = i;
            return;
        }

        int at = 0;
        foreach (int length in row.SequenceLengths)
            for (int i = 0; i < length; i++) into[at++] = i;
    }

    private int Rounded(int columns) => PadToMultipleOf is { } m ? (columns + m - 1) / m * m : columns;
}

/// <summary>Sequences out of positions: each begins where the first position stands.</summary>
internal static class SequenceBounds
{
    public static (int[] Starts, int[] Index, int Longest) Of(int[] positions, int first)
    {
        var starts = new List<int>();
        var index = new int[positions.Length];
        for (int c = 0; c < positions.Length; c++)
        {
            if (positions[c] == first) starts.Add(c);
            index[c] = starts.Count - 1;
        }

        starts.Add(positions.Length);
        int longest = 0;
        for (int i = 1; i < starts.Count; i++) longest = Math.Max(longest, starts[i] - starts[i - 1]);
        return ([.. starts], index, longest);
    }
}
