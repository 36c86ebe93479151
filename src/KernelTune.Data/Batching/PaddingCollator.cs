namespace KernelTune.Data;

/// <summary>What a row is filled up to.</summary>
public enum PaddingTarget
{
    /// <summary>The longest row.</summary>
    Longest,

    /// <summary>A length that is given.</summary>
    MaxLength,

    /// <summary>Nothing: all rows must be equally long.</summary>
    None,
}

/// <summary>
/// Transformers' DataCollatorWithPadding: the named columns of several rows padded to one length, on either side. input_ids are filled with the padding token,
/// token_type_ids with its type, attention_mask with 0, special_tokens_mask with 1.
/// </summary>
public sealed record PaddingCollator
{
    public required int PadTokenId { get; init; }

    public int PadTokenTypeId { get; init; }

    public bool PadLeft { get; init; }

    public PaddingTarget Padding { get; init; } = PaddingTarget.Longest;

    public int? MaxLength { get; init; }

    public int? PadToMultipleOf { get; init; }

    /// <summary>The columns padded, each a list of rows of one length. Where no row has an attention mask, one is made.</summary>
    /// <exception cref="ArgumentException">Rows of several lengths with nothing to pad to, a column that is unknown, MaxLength missing.</exception>
    public Dictionary<string, int[][]> Collate(IReadOnlyList<IReadOnlyDictionary<string, int[]>> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0) throw new ArgumentException("a batch needs at least one row", nameof(rows));
        int longest = rows.Max(r => r["input_ids"].Length);
        int length = Padding switch
        {
            PaddingTarget.Longest => Rounded(longest),
            PaddingTarget.MaxLength => Rounded(MaxLength ?? throw new ArgumentException("padding to max_length needs max_length")),
            _ => longest,
        };
        if (length < longest || (Padding == PaddingTarget.None && rows.Any(r => r["input_ids"].Length != longest)))
            throw new ArgumentException($"rows of up to {longest} tokens cannot be made one length of {length}");
        var result = new Dictionary<string, int[][]>(StringComparer.Ordinal);
        foreach (string column in rows[0].Keys.Append("attention_mask").Distinct())
        {
            int fill = column switch
            {
                "input_ids" => PadTokenId,
                "token_type_ids" => PadTokenTypeId,
                "attention_mask" => 0,
                "special_tokens_mask" => 1,
                _ => throw new ArgumentException($"the column {column} cannot be padded"),
            };
            result[column] = rows.Select(r => Padded(r.TryGetValue(column, out int[]? values) ? values : Ones(r["input_ids"].Length), length, fill)).ToArray();
        }

        return result;
    }

    private static int[] Ones(int length)
    {
        var ones = new int[length];
        Array.Fill(ones, 1);
        return ones;
    }

    private int[] Padded(int[] values, int length, int fill)
    {
        var padded = new int[length];
        Array.Fill(padded, fill);
        values.CopyTo(padded, PadLeft ? length - values.Length : 0);
        return padded;
    }

    internal int Rounded(int length) => PadToMultipleOf is { } m ? (length + m - 1) / m * m : length;
}
