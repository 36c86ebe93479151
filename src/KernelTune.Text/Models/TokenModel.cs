namespace KernelTune.Text.Models;

/// <summary>What a piece of text became: token ids, and how many bytes of the piece's UTF-8 each stands for.</summary>
internal sealed record Word(int[] Ids, int[] Bytes)
{
    public static Word Empty { get; } = new([], []);
}

/// <summary>Turns pieces of text into tokens of a vocabulary. Safe for several threads.</summary>
internal abstract class TokenModel(Vocabulary vocabulary)
{
    public Vocabulary Vocabulary => vocabulary;

    /// <summary>True if <see cref="EncodeBytes"/> may be called: the model takes text as bytes without spelling them out first.</summary>
    public virtual bool TakesBytes => false;

    /// <summary>The tokens of <paramref name="piece"/>.</summary>
    public abstract Word Encode(ReadOnlySpan<char> piece);

    /// <summary>The tokens of the bytes of <paramref name="piece"/>: what <see cref="Encode"/> gives for the characters that stand for them.
    /// Null where the vocabulary lacks one of them: then they have to be spelled out.</summary>
    public virtual Word? EncodeBytes(ReadOnlySpan<char> piece) => throw new NotSupportedException();

    /// <summary>The ids for the bytes of <paramref name="piece"/>.</summary>
    public int[] IdsOfBytes(ReadOnlySpan<char> piece) => (EncodeBytes(piece) ?? Encode(ByteAlphabet.Spell(piece))).Ids;
}

/// <summary>A token for each whole piece that is in the vocabulary, the unknown token for any other.</summary>
internal sealed class WordLevelModel(Vocabulary vocabulary, int unknown) : TokenModel(vocabulary)
{
    public override Word Encode(ReadOnlySpan<char> piece)
    {
        int bytes = 0;
        for (int i = 0; i < piece.Length;)
        {
            bytes += Unicode.CodePoints.Utf8Length(Unicode.CodePoints.At(piece, i, out int units));
            i += units;
        }
        return new Word([Vocabulary.TryGetId(piece, out int id) ? id : unknown], [bytes]);
    }
}
