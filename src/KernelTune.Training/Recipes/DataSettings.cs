using KernelTune.Data;
using KernelTune.Data.Pictures;

namespace KernelTune.Training.Recipes;

/// <summary>What the model is trained and judged on.</summary>
public sealed record DataSettings
{
    /// <summary>At least one file.</summary>
    public IReadOnlyList<DataFile> Train { get; init; } = [];

    /// <summary>Files to validate on; empty: none, or the share <see cref="ValidationShare"/> of the training examples.</summary>
    public IReadOnlyList<DataFile> Validation { get; init; } = [];

    /// <summary>The share of the training examples that is held out for validation, in (0, 1), drawn by the seed; null: none.</summary>
    public double? ValidationShare { get; init; }

    /// <summary>Files touched once, at the end.</summary>
    public IReadOnlyList<DataFile> Test { get; init; } = [];

    public ExampleFormat Format { get; init; }

    /// <summary>What the files call the parts of examples, part to name: prompt to question; empty: told from the names.</summary>
    public IReadOnlyDictionary<string, string> Columns { get; init; } = new Dictionary<string, string>();

    /// <summary>Tokens; a longer example is cut on the right, and counted.</summary>
    public int MaxLength { get; init; } = 512;

    /// <summary>Whether several examples share a row, each attending only to itself.</summary>
    public bool Packing { get; init; } = true;

    /// <summary>Seeded, and the same order after a resume; false: the files' order.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>Only these examples of <see cref="Train"/>, taken before the split; null: all.</summary>
    public ExampleRange? Rows { get; init; }

    public LossTokens LossOn { get; init; }

    /// <summary>The classes that are told apart, whose order numbers them; null: all that the training folder has, in ordinal order.</summary>
    public IReadOnlyList<string>? Classes { get; init; }

    /// <summary>How training pictures are changed at random.</summary>
    public PictureAugmentation Augmentation { get; init; } = new();
}
