namespace KernelTune.Data;

/// <summary>Transformers' DataCollatorWithFlattening: rows end to end, the first label of each replaced by <see cref="SeparatorId"/>.</summary>
public sealed record FlatteningCollator
{
    public int SeparatorId { get; init; } = TokenRow.Ignored;

    /// <summary>The position of each row's first token.</summary>
    public int PositionIdsStart { get; init; }

    /// <summary>The rows as one row. Sequences are rows: lengths within a row are not looked at.</summary>
    /// <exception cref="ArgumentException">There are none.</exception>
    public Batch Collate(IReadOnlyList<TokenRow> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0) throw new ArgumentException("a batch needs at least one row", nameof(rows));
        int columns = rows.Sum(r => r.Ids.Length), at = 0;
        var ids = new int[columns];
        var labels = new int[columns];
        var positions = new int[columns];
        var index = new int[columns];
        var starts = new int[rows.Count + 1];
        for (int r = 0; r < rows.Count; r++)
        {
            int length = rows[r].Ids.Length;
            rows[r].Ids.CopyTo(ids, at);
            rows[r].Labels.CopyTo(labels, at);
            if (length > 0) labels[at] = SeparatorId;
            for (int i = 0; i < length; i++) positions[at + i] = PositionIdsStart + i;
            index.AsSpan(at, length).Fill(r);
            at += length;
            starts[r + 1] = at;
        }

        return new Batch
        {
            Rows = 1,
            Columns = columns,
            InputIds = ids,
            Labels = labels,
            PositionIds = positions,
            CuSeqLens = starts,
            SequenceIndex = index,
            LongestSequence = rows.Max(r => r.Ids.Length),
            Tokens = columns,
        };
    }
}
