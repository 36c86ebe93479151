namespace KernelTune.Data;

/// <summary>Transformers' DataCollatorForSeq2Seq: what the encoder reads is padded, labels are padded to their own length, and the decoder reads the labels moved right by one.</summary>
/// <param name="Padding">How the encoder's columns are padded; to max_length, labels are too.</param>
public sealed record Seq2SeqCollator(PaddingCollator Padding)
{
    public int LabelPadTokenId { get; init; } = TokenRow.Ignored;

    /// <summary>The token that the decoder begins with; null: the batch has no decoder_input_ids.</summary>
    public int? DecoderStartTokenId { get; init; }

    /// <summary>The columns, each a list of rows of one length; "labels" and "decoder_input_ids" where rows have labels.</summary>
    /// <exception cref="ArgumentException">No rows, or rows that cannot be made one length.</exception>
    public IReadOnlyDictionary<string, int[][]> Collate(IReadOnlyList<IReadOnlyDictionary<string, int[]>> rows)
    {
        var (columns, labels) = LabelColumn.Split(rows, "labels");
        Dictionary<string, int[][]> batch = Padding.Collate(columns);
        if (labels is null) return batch;
        int length = Padding is { Padding: PaddingTarget.MaxLength, MaxLength: { } most } ? most : labels.Max(l => l.Length);
        if (Padding.Padding == PaddingTarget.None)
        {
            if (labels.Any(l => l.Length != length)) throw new ArgumentException($"labels of up to {length} tokens are of several lengths, and nothing pads them", nameof(rows));
        }
        else
        {
            length = Padding.Rounded(length);
        }

        batch["labels"] = LabelColumn.Pad(labels, length, LabelPadTokenId, Padding.PadLeft);
        if (DecoderStartTokenId is { } start) batch["decoder_input_ids"] = Array.ConvertAll(batch["labels"], l => ShiftedRight(l, start, Padding.PadTokenId));
        return batch;
    }

    /// <summary>What a decoder reads that is to say <paramref name="labels"/>: the start token, then all labels but the last, −100 as padding.</summary>
    public static int[] ShiftedRight(ReadOnlySpan<int> labels, int startTokenId, int padTokenId)
    {
        var shifted = new int[labels.Length];
        for (int t = 0; t < labels.Length; t++)
        {
            int before = t == 0 ? startTokenId : labels[t - 1];
            shifted[t] = before == TokenRow.Ignored ? padTokenId : before;
        }

        return shifted;
    }
}
