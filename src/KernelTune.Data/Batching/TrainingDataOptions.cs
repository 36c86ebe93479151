namespace KernelTune.Data;

/// <summary>What carries loss: the recipe's <c>loss_on</c>.</summary>
public enum LossTokens
{
    /// <summary>By the rows: the assistant's words in conversations, the completion where there is one, else everything.</summary>
    Default,
    Assistant,
    Completion,
    All,
}

/// <summary>A file of examples, of whatever kind; or a folder of texts.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Weight">
/// How often its rows are drawn in an epoch: 2 twice, 0.5 half of them (which ones, the seed decides, once for all epochs). 1: each once.
/// </param>
/// <param name="Rows">Only these examples of it; null: all.</param>
/// <param name="Target">The file whose lines are the answers to this one's: parallel text; null: none.</param>
public sealed record DataFile(string Path, double Weight = 1, ExampleRange? Rows = null, string? Target = null);

/// <summary>How files become rows of tokens: the parts of a recipe that training, validation and test data share.</summary>
public record RowOptions
{
    public ExampleFormat Format { get; init; } = ExampleFormat.Auto;

    /// <summary>What the files call the parts of examples: "prompt" to "question".</summary>
    public IReadOnlyDictionary<string, string> Columns { get; init; } = new Dictionary<string, string>();

    public int? MaxLength { get; init; }

    public TruncationSide Truncation { get; init; }

    public LossTokens LossOn { get; init; }

    /// <summary>True: prompts are what an encoder reads, completions what a decoder says.</summary>
    public bool SourceApart { get; init; }

    public bool SkipBad { get; init; }

    public bool Strict { get; init; }

    /// <summary>True: special tokens written inside messages are recognised; false (the default): they are only text that looks like them.</summary>
    public bool SpecialInContent { get; init; }

    /// <summary>Bytes of tokens that are kept in memory; further rows lie in a temporary file.</summary>
    public long RowMemory { get; init; } = 512L << 20;

    /// <summary>Columns of batches are rounded up to a multiple of this; null: they are not.</summary>
    public int? PadToMultipleOf { get; init; }
}

/// <summary>The <c>data</c> block of a recipe, and what batches need of the rest of it.</summary>
public sealed record TrainingDataOptions : RowOptions
{
    /// <summary>The files to train on; their rows follow one another.</summary>
    public required IReadOnlyList<DataFile> Train { get; init; }

    /// <summary>Files to validate on; empty: none, or ValidationShare.</summary>
    public IReadOnlyList<DataFile> Validation { get; init; } = [];

    /// <summary>The share of the training rows that is held out instead, within (0, 1); null: none.</summary>
    public double? ValidationShare { get; init; }

    /// <summary>Files to judge once, at the end; empty: none.</summary>
    public IReadOnlyList<DataFile> Test { get; init; } = [];

    /// <summary>Only these examples of all training files together, taken before the split; null: all.</summary>
    public ExampleRange? Rows { get; init; }

    /// <summary>Training rows are packed; validation rows never are.</summary>
    public Packing Packing { get; init; }

    public bool Shuffle { get; init; } = true;

    public long Seed { get; init; }

    /// <summary>Rows a micro-batch.</summary>
    public int BatchSize { get; init; } = 1;
}

/// <summary>What became of one file.</summary>
/// <param name="File">Its path.</param>
/// <param name="Reading">What reading met.</param>
/// <param name="Preparation">What preparing met.</param>
public sealed record FileAccount(string File, ReadAccount Reading, PreparationAccount Preparation)
{
    /// <summary>What was left out or cut, in words.</summary>
    public IEnumerable<string> Notes()
    {
        if (Reading.Skipped > 0)
            yield return FormattableString.Invariant($"{File}: {Reading.Skipped} rows could not be read and were left out");
        if (Preparation.Truncated > 0)
            yield return FormattableString.Invariant($"{File}: {Preparation.Truncated} rows were longer than max_length and were cut ({Preparation.TokensCut} tokens)");
        if (Preparation.Dropped > 0)
            yield return FormattableString.Invariant($"{File}: {Preparation.Dropped} rows have no label and were left out");
    }
}
