namespace KernelTune.Text.Training;

/// <summary>What a WordPiece vocabulary is trained for.</summary>
public sealed record WordPieceTrainerOptions
{
    /// <summary>How many tokens there shall be: special tokens, characters at the beginning of words and within, merges. Fewer come out where the text has no more pairs.</summary>
    public required int VocabSize { get; init; }

    /// <summary>Pairs that are seen less often are not merged.</summary>
    public int MinFrequency { get; init; }

    /// <summary>The most characters that are kept, the most frequent ones; null: all.</summary>
    public int? LimitAlphabet { get; init; } = 1000;

    /// <summary>Lower case, and accents go.</summary>
    public bool Lowercase { get; init; } = true;

    /// <summary>Tokens with the first ids. Among them those that <see cref="Config"/> names.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

    /// <summary>Which of them begins and ends a text, separates, pads, masks and stands for what is unknown.</summary>
    public TokenizerConfig Config { get; init; } = new() { PadToken = "[PAD]", UnknownToken = "[UNK]", ClsToken = "[CLS]", SepToken = "[SEP]", MaskToken = "[MASK]" };
}
