namespace KernelTune.Data;

/// <summary>A micro-batch: matrices of [Rows, Columns], row-major, ready to be uploaded.</summary>
public sealed class Batch : IBatch
{
    public required int Rows { get; init; }

    public required int Columns { get; init; }

    /// <summary>Token ids, [Rows, Columns].</summary>
    public required int[] InputIds { get; init; }

    /// <summary>Ids or −100, [Rows, Columns]; column t is compared with what the model says at t − 1.</summary>
    public required int[] Labels { get; init; }

    /// <summary>1 for tokens and 0 for padding, [Rows, Columns]; null where sequences stand end to end (then CuSeqLens says where they begin).</summary>
    public int[]? AttentionMask { get; init; }

    /// <summary>Positions within each sequence, [Rows, Columns]; 0 in padding. Null where they were not asked for: then column t is position t.</summary>
    public int[]? PositionIds { get; init; }

    /// <summary>Where sequences begin in a flattened batch, and its end: [sequences + 1]. A token attends only within its sequence. Null for padded batches.</summary>
    public int[]? CuSeqLens { get; init; }

    /// <summary>The number of the sequence that each column belongs to, [Columns]; null for padded batches.</summary>
    public int[]? SequenceIndex { get; init; }

    /// <summary>The longest sequence of a flattened batch; 0 for padded batches.</summary>
    public int LongestSequence { get; init; }

    /// <summary>What an encoder reads; null: the rows have no sources.</summary>
    public SourceColumns? Source { get; init; }

    /// <summary>True for the last batch of an epoch.</summary>
    public bool EndsEpoch { get; init; }

    /// <summary>Tokens that are not padding.</summary>
    public int Tokens { get; init; }

    int IBatch.Items => Tokens;

    int IBatch.LabelCount => LabelTokens;

    /// <summary>Labels that carry loss once they are shifted: those of column 0 have nothing before them and do not count.</summary>
    public int LabelTokens
    {
        get
        {
            int count = 0;
            for (int r = 0; r < Rows; r++)
                for (int c = 1; c < Columns; c++)
                    if (Labels[(r * Columns) + c] != TokenRow.Ignored) count++;
            return count;
        }
    }

    /// <summary>Labels of column 0, which count only where something stands before them.</summary>
    public int FirstLabelTokens
    {
        get
        {
            int count = 0;
            for (int r = 0; r < Rows && Columns > 0; r++)
                if (Labels[r * Columns] != TokenRow.Ignored) count++;
            return count;
        }
    }

    /// <summary>True where some place of the batch is padding.</summary>
    public bool HasPadding => AttentionMask is not null && Array.IndexOf(AttentionMask, 0) >= 0;
}

/// <summary>What an encoder reads: matrices of [rows, Columns], row-major, padded on the right.</summary>
/// <param name="Columns">The longest source.</param>
/// <param name="Ids">Token ids.</param>
/// <param name="Mask">1 for tokens and 0 for padding.</param>
public sealed record SourceColumns(int Columns, int[] Ids, int[] Mask);
