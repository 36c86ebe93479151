using KernelTune.Text.Chat;

namespace KernelTune.Text;

/// <summary>The end of a text at which it is cut or padded.</summary>
public enum TextSide
{
    Right,
    Left,
}

/// <summary>Which of a text and its pair is shortened.</summary>
public enum TruncationStrategy
{
    /// <summary>The longer one.</summary>
    LongestFirst,

    /// <summary>The text.</summary>
    OnlyFirst,

    /// <summary>The pair.</summary>
    OnlySecond,
}

/// <summary>How a text that is too long is cut into windows.</summary>
/// <param name="MaxLength">The most tokens, special ones included.</param>
/// <param name="Stride">How many tokens neighbouring windows share; below what is left of MaxLength without the special tokens.</param>
/// <param name="Strategy">Which text is cut.</param>
/// <param name="Direction">Where the tokens go that are too many; Left makes the windows from the end.</param>
public sealed record Truncation(int MaxLength, int Stride = 0, TruncationStrategy Strategy = TruncationStrategy.LongestFirst, TextSide Direction = TextSide.Right);

/// <summary>How encodings are made equally long.</summary>
/// <param name="PadId">The padding's token.</param>
/// <param name="PadToken">And how it is written.</param>
/// <param name="Length">The length to pad to; null: that of the longest of the batch.</param>
/// <param name="Direction">Where the padding goes.</param>
/// <param name="PadTypeId">The padding's segment.</param>
/// <param name="PadToMultipleOf">The length is rounded up to a multiple of this.</param>
public sealed record Padding(int PadId, string PadToken, int? Length = null, TextSide Direction = TextSide.Right, int PadTypeId = 0, int? PadToMultipleOf = null);

/// <summary>How a text is encoded, beyond the tokenizer's own rules.</summary>
public sealed record EncodeOptions
{
    /// <summary>Cuts what is too long; null leaves it.</summary>
    public Truncation? Truncation { get; init; }

    /// <summary>Pads what is too short; null leaves it.</summary>
    public Padding? Padding { get; init; }

    /// <summary>Special tokens that stand in the text are ordinary text.</summary>
    public bool SpecialTokensAreText { get; init; }

    /// <summary>Parts of the text, in code points and ascending, in which special tokens are ordinary text: what a user wrote between a template's own marks.
    /// A special token that reaches into such a part is none.</summary>
    public IReadOnlyList<TextSpan> OrdinaryText { get; init; } = [];
}
