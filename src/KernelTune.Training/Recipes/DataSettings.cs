using KernelTune.Data.Pictures;

namespace KernelTune.Training.Recipes;

/// <summary>What the model is trained and judged on.</summary>
public sealed record DataSettings
{
    /// <summary>At least one file.</summary>
    public IReadOnlyList<DataSource> Train { get; init; } = [];

    /// <summary>Files to validate on; empty: none, or the share <see cref="ValidationShare"/> of the training examples.</summary>
    public IReadOnlyList<DataSource> Validation { get; init; } = [];

    /// <summary>The share of the training examples that is held out for validation, in (0, 1), drawn by the seed; null: none.</summary>
    public double? ValidationShare { get; init; }

    /// <summary>Files touched once, at the end.</summary>
    public IReadOnlyList<DataSource> Test { get; init; } = [];

    public DataFormat Format { get; init; } = DataFormat.Auto;

    /// <summary>Tokens; a longer example is cut on the right, and counted.</summary>
    public int MaxLength { get; init; } = 512;

    /// <summary>Whether several examples share a row, each attending only to itself.</summary>
    public bool Packing { get; init; } = true;

    /// <summary>Seeded, and the same order after a resume; false: the files' order.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>Only these examples of <see cref="Train"/>, taken before the split; null: all.</summary>
    public RowRange? Rows { get; init; }

    public LossOn LossOn { get; init; } = LossOn.Auto;

    /// <summary>The classes that are told apart, whose order numbers them; null: all that the training folder has, in ordinal order.</summary>
    public IReadOnlyList<string>? Classes { get; init; }

    /// <summary>How training pictures are changed at random.</summary>
    public PictureAugmentation Augmentation { get; init; } = new();
}

/// <summary>A file of examples.</summary>
/// <param name="Path">The file.</param>
/// <param name="Weight">How many times its share is drawn, relative to the other files; 1: each example once an epoch.</param>
/// <param name="Rows">Only these rows of the file; null: all.</param>
public sealed record DataSource(string Path, double Weight = 1, RowRange? Rows = null);

/// <summary>Examples <paramref name="Begin"/> up to, not including, <paramref name="End"/>, counted from 0; written <c>0:120</c>, <c>40:</c> or <c>:16</c>.</summary>
/// <param name="Begin">0 or more.</param>
/// <param name="End">More than <paramref name="Begin"/>; null: to the last.</param>
public readonly record struct RowRange(int Begin, int? End)
{
    /// <summary>The range that <paramref name="text"/> spells; null where it spells none.</summary>
    public static RowRange? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] ends = text.Split(':');
        if (ends.Length != 2) return null;
        int begin = 0, end = 0;
        const System.Globalization.NumberStyles digits = System.Globalization.NumberStyles.None;
        var invariant = System.Globalization.CultureInfo.InvariantCulture;
        if (ends[0].Length > 0 && !int.TryParse(ends[0], digits, invariant, out begin)) return null;
        if (ends[1].Length == 0) return new RowRange(begin, null);
        return int.TryParse(ends[1], digits, invariant, out end) && end > begin ? new RowRange(begin, end) : null;
    }

    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Begin}:{End}");
}

public enum DataFormat
{
    /// <summary>Decided by the fields of the first example.</summary>
    Auto,
    Messages,
    PromptCompletion,
    Text,

    /// <summary>A folder with a folder of pictures a class.</summary>
    ImageFolder,
}

/// <summary>The tokens whose loss counts.</summary>
public enum LossOn
{
    /// <summary>Assistant for messages, completion for prompt and completion, all for text.</summary>
    Auto,
    Assistant,
    Completion,
    All,
}
