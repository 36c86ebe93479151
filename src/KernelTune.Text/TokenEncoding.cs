using KernelTune.Text.Chat;

namespace KernelTune.Text;

/// <summary>What a text became: one entry a token in each list.</summary>
public sealed class TokenEncoding
{
    /// <summary>The tokens' numbers.</summary>
    public required int[] Ids { get; init; }

    /// <summary>The tokens as the vocabulary writes them; an added token as it stood in the text.</summary>
    public required string[] Tokens { get; init; }

    /// <summary>The code points of the text (or of the pair) that each token stands for; (0, 0) for tokens that were put in.</summary>
    public required TextSpan[] Offsets { get; init; }

    /// <summary>Which segment each token belongs to, as the post-processor numbers them.</summary>
    public required int[] TypeIds { get; init; }

    /// <summary>1, or 0 for padding.</summary>
    public required int[] AttentionMask { get; init; }

    /// <summary>1 for tokens that the post-processor put in and for padding.</summary>
    public required int[] SpecialTokensMask { get; init; }

    /// <summary>0 for tokens of the text, 1 for those of the pair, −1 for tokens that were put in.</summary>
    public required int[] SequenceIds { get; init; }

    /// <summary>The number of the word that each token is of, where words were given; −1 for tokens that were put in, and for all of a text.</summary>
    public required int[] WordIds { get; init; }

    /// <summary>The further windows of a text that was cut.</summary>
    public required IReadOnlyList<TokenEncoding> Overflowing { get; init; }

    /// <summary>How many tokens there are.</summary>
    public int Length => Ids.Length;
}
