namespace KernelTune.Text.Models;

/// <summary>The token for what a vocabulary lacks. It may itself be outside the vocabulary, or not named at all: then only a text that needs it is refused.</summary>
/// <param name="KnownId">Its id; below 0 for none.</param>
/// <param name="File">The file that it comes from.</param>
/// <param name="Key">The key that names it.</param>
internal sealed record UnknownToken(int KnownId, string File, string Key)
{
    /// <summary>The id, for a text that needs it.</summary>
    /// <exception cref="TokenizerException">There is none.</exception>
    public int Id(ReadOnlySpan<char> text) =>
        KnownId >= 0 ? KnownId : throw new TokenizerException(File, Key, $"the vocabulary lacks {Vocabulary.Quoted(text.ToString())} and the unknown token too");
}
