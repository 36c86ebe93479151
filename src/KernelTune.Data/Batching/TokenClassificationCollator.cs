namespace KernelTune.Data;

/// <summary>Transformers' DataCollatorForTokenClassification: columns padded, and a label a token padded on the same side.</summary>
/// <param name="Padding">How the other columns are padded.</param>
public sealed record TokenClassificationCollator(PaddingCollator Padding)
{
    public int LabelPadTokenId { get; init; } = TokenRow.Ignored;

    /// <summary>The columns, each a list of rows of one length; "labels" where rows have labels.</summary>
    /// <exception cref="ArgumentException">No rows, or rows that cannot be made one length.</exception>
    public IReadOnlyDictionary<string, int[][]> Collate(IReadOnlyList<IReadOnlyDictionary<string, int[]>> rows)
    {
        var (columns, labels) = LabelColumn.Split(rows, "label", "labels");
        Dictionary<string, int[][]> batch = Padding.Collate(columns);
        if (labels is not null) batch["labels"] = LabelColumn.Pad(labels, batch["input_ids"][0].Length, LabelPadTokenId, Padding.PadLeft);
        return batch;
    }
}

/// <summary>The labels of rows, apart from the columns that a model reads.</summary>
internal static class LabelColumn
{
    /// <summary>Rows without their label column (the first of the names that the first row has), and that column.</summary>
    public static (IReadOnlyDictionary<string, int[]>[] Columns, int[][]? Labels) Split(IReadOnlyList<IReadOnlyDictionary<string, int[]>> rows, params ReadOnlySpan<string> names)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0) throw new ArgumentException("a batch needs at least one row", nameof(rows));
        string? name = null;
        foreach (string n in names)
            if (name is null && rows[0].ContainsKey(n)) name = n;
        if (name is null) return ([.. rows], null);
        var columns = new IReadOnlyDictionary<string, int[]>[rows.Count];
        var labels = new int[rows.Count][];
        for (int r = 0; r < rows.Count; r++)
        {
            columns[r] = rows[r].Where(c => c.Key != name).ToDictionary(c => c.Key, c => c.Value, StringComparer.Ordinal);
            labels[r] = rows[r].TryGetValue(name, out int[]? own) ? own : throw new ArgumentException($"row {r} has no {name}, and row 0 has", nameof(rows));
        }

        return (columns, labels);
    }

    public static int[][] Pad(int[][] labels, int length, int fill, bool left) => Array.ConvertAll(labels, own =>
    {
        if (own.Length > length) throw new ArgumentException($"{own.Length} labels cannot be made one length of {length}");
        var padded = new int[length];
        Array.Fill(padded, fill);
        own.CopyTo(padded, left ? length - own.Length : 0);
        return padded;
    });
}
