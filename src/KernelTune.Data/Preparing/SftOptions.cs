namespace KernelTune.Data;

/// <summary>Which end of a sequence is kept when it is too long.</summary>
public enum TruncationSide
{
    KeepStart,
    KeepEnd,
}

/// <summary>How examples share rows.</summary>
public enum Packing
{
    /// <summary>One example a row.</summary>
    None,

    /// <summary>Best fit decreasing; what does not fit max_length is cut off.</summary>
    BestFit,

    /// <summary>Best fit decreasing; what does not fit max_length becomes an example of its own.</summary>
    BestFitSplit,

    /// <summary>Everything joined and cut every max_length tokens; boundaries are not kept.</summary>
    Wrapped,
}

/// <summary>How examples become rows of tokens: TRL's SFTTrainer, with its names where it has one.</summary>
public sealed record SftOptions
{
    /// <summary>Loss on the completion only; rows without a prompt of their own are not touched by it.</summary>
    public bool CompletionOnlyLoss { get; init; }

    /// <summary>Loss on what the assistant writes only; both together: on what both allow.</summary>
    public bool AssistantOnlyLoss { get; init; }

    /// <summary>The most tokens of a row; null: no limit.</summary>
    public int? MaxLength { get; init; }

    public TruncationSide Truncation { get; init; }

    /// <summary>True: a sequence longer than MaxLength is refused.</summary>
    public bool Strict { get; init; }

    /// <summary>Packs rows to MaxLength, which must then be given.</summary>
    public Packing Packing { get; init; }

    /// <summary>True: a special token written inside a message is that token. False (training's default): it is only text that looks like one.</summary>
    public bool SpecialInContent { get; init; }

    /// <summary>True: prompt and completion are tokenized apart, each as a text of its own; the completion is the row, the prompt what an encoder reads. Each is cut to MaxLength.</summary>
    public bool SourceApart { get; init; }

    /// <summary>Leaves out rows without a label; null: as TRL does, only where rows are truncated and not packed.</summary>
    public bool? DropUnlabelled { get; init; }
}

/// <summary>A row of tokens: a label that is −100 carries no loss.</summary>
/// <param name="Line">The line of its example, from 1; 0 where several share the row.</param>
/// <param name="Ids">Token ids, [T].</param>
/// <param name="Labels">Ids or −100, [T]; position t is compared with what the model says at t − 1.</param>
/// <param name="SequenceLengths">The lengths of the examples that share the row, in order; null for one.</param>
public sealed record TokenRow(long Line, int[] Ids, int[] Labels, int[]? SequenceLengths = null)
{
    /// <summary>What an encoder reads, [S]; null: the row has no source of its own.</summary>
    public int[]? Source { get; init; }

    /// <summary>The label that carries no loss.</summary>
    public const int Ignored = -100;

    /// <summary>True where some label carries loss.</summary>
    public bool HasLabels => Array.Exists(Labels, l => l != Ignored);

    /// <summary>True where some label but the first carries loss: nothing stands before the first, so the model is never asked for it. Behind a source it is asked for all of them.</summary>
    public bool CanTeach => Source is not null ? HasLabels : Labels.Length > 1 && Labels.AsSpan(1).IndexOfAnyExcept(Ignored) >= 0;
}

/// <summary>What preparing met.</summary>
public sealed class PreparationAccount
{
    /// <summary>Examples that came in.</summary>
    public long Examples { get; internal set; }

    /// <summary>Sequences that were cut to max_length, and the tokens that fell away.</summary>
    public long Truncated { get; internal set; }

    public long TokensCut { get; internal set; }

    /// <summary>Examples none of whose labels carries loss; Dropped of them were left out.</summary>
    public long Unlabelled { get; internal set; }

    public long Dropped { get; internal set; }

    /// <summary>Rows that came out.</summary>
    public long Rows { get; internal set; }

    public long Tokens { get; internal set; }

    /// <summary>Labels that carry loss.</summary>
    public long LabelTokens { get; internal set; }

    public int LongestRow { get; internal set; }
}
