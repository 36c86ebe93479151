namespace KernelTune.Data;

/// <summary>One question with its choices.</summary>
/// <param name="Choices">The columns of each choice.</param>
/// <param name="Label">The number of the right one, from 0.</param>
public sealed record ChoiceRow(IReadOnlyList<IReadOnlyDictionary<string, int[]>> Choices, int Label);

/// <summary>A batch of questions: each column is [rows, choices, length].</summary>
public sealed record ChoiceBatch(IReadOnlyDictionary<string, int[][][]> Columns, int[] Labels);

/// <summary>Transformers' DataCollatorForMultipleChoice: all choices of all questions padded to one length.</summary>
/// <param name="Padding">How they are padded.</param>
public sealed record MultipleChoiceCollator(PaddingCollator Padding)
{
    /// <exception cref="ArgumentException">No rows, no choices, or rows with different numbers of choices.</exception>
    public ChoiceBatch Collate(IReadOnlyList<ChoiceRow> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0) throw new ArgumentException("a batch needs at least one row", nameof(rows));
        int choices = rows[0].Choices.Count;
        if (choices == 0 || rows.Any(r => r.Choices.Count != choices)) throw new ArgumentException($"rows with as many choices as the first, {choices}, and at least one are wanted", nameof(rows));
        Dictionary<string, int[][]> flat = Padding.Collate([.. rows.SelectMany(r => r.Choices)]);
        return new ChoiceBatch(
            flat.ToDictionary(c => c.Key, c => c.Value.Chunk(choices).ToArray(), StringComparer.Ordinal),
            [.. rows.Select(r => r.Label)]);
    }
}
