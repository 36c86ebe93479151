namespace KernelTune.Text.Training;

/// <summary>What a byte-level BPE is trained for.</summary>
public sealed record BpeTrainerOptions
{
    /// <summary>How many tokens there shall be: special tokens, 256 bytes, merges. Fewer come out where the text has no more pairs.</summary>
    public required int VocabSize { get; init; }

    /// <summary>Pairs that are seen less often are not merged.</summary>
    public int MinFrequency { get; init; } = 2;

    /// <summary>Tokens that are never split and get the first ids.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = [];

    /// <summary>Every digit is a piece of its own.</summary>
    public bool IndividualDigits { get; init; }

    /// <summary>A text that does not begin with a space gets one.</summary>
    public bool AddPrefixSpace { get; init; }

    /// <summary>What the files beside tokenizer.json would say of the special tokens.</summary>
    public TokenizerConfig Config { get; init; } = new();
}
