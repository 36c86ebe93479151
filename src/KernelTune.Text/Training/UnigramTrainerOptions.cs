namespace KernelTune.Text.Training;

/// <summary>What a Unigram vocabulary is trained for.</summary>
public sealed record UnigramTrainerOptions
{
    /// <summary>How many tokens there shall be, special tokens and characters included. Fewer come out where the texts do not have as many pieces.</summary>
    public required int VocabSize { get; init; }

    /// <summary>What share of the pieces a round of pruning keeps; between 0 and 1.</summary>
    public double ShrinkingFactor { get; init; } = 0.75;

    /// <summary>Rounds of expectation and maximization between two rounds of pruning; at least 1.</summary>
    public int SubIterations { get; init; } = 2;

    /// <summary>The longest piece, in code points; from 1 to 512.</summary>
    public int MaxPieceLength { get; init; } = 16;

    /// <summary>How many pieces there are at the start, beside the characters; not below <see cref="VocabSize"/>.</summary>
    public int SeedSize { get; init; } = 1_000_000;

    /// <summary>The share of all characters that must have tokens, the most frequent ones first (SentencePiece's character_coverage); above 0, at most 1.</summary>
    public double CharacterCoverage { get; init; } = 1;

    /// <summary>Lower case.</summary>
    public bool Lowercase { get; init; }

    /// <summary>Tokens with the first ids.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = ["<unk>", "<s>", "</s>"];

    /// <summary>Which of them stands for what is unknown, and what the others are.</summary>
    public TokenizerConfig Config { get; init; } = new() { UnknownToken = "<unk>", BosToken = "<s>", EosToken = "</s>" };
}
