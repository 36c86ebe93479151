using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>Text as tokens: ids, and the code points [Start, End) of the text that each covers (0, 0 for tokens that were added).</summary>
public readonly record struct EncodedText(int[] Ids, (int Start, int End)[] Offsets)
{
    /// <summary>The first token that covers code point <paramref name="position"/>, or -1.</summary>
    public int TokenAt(int position)
    {
        for (int i = 0; i < Offsets.Length; i++)
            if (position >= Offsets[i].Start && position < Offsets[i].End) return i;
        return -1;
    }
}

/// <summary>What preparing data asks of a tokenizer.</summary>
public interface ITextEncoder
{
    /// <summary>The text of the end-of-sequence token; null if there is none.</summary>
    string? EndToken { get; }

    /// <summary>The id that fills up short rows.</summary>
    int PadTokenId { get; }

    /// <summary>
    /// The tokens of a text; special tokens inside <paramref name="ordinary"/> (code points, ascending) are treated as the characters that they are
    /// written with.
    /// </summary>
    EncodedText Encode(string text, bool addSpecialTokens, IReadOnlyList<TextSpan> ordinary);
}
