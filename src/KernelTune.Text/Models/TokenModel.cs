namespace KernelTune.Text.Models;

/// <summary>What a piece of text became: token ids, and how many bytes of the piece's UTF-8 each stands for.</summary>
internal sealed record Word(int[] Ids, int[] Bytes)
{
    /// <summary>In <see cref="Bytes"/>: the token stands for what the one before it stands for.</summary>
    public const int SameSpan = 0;

    public static Word Empty { get; } = new([], []);
}

/// <summary>Turns pieces of text into tokens of a vocabulary. Safe for several threads.</summary>
internal abstract class TokenModel(Vocabulary vocabulary)
{
    public Vocabulary Vocabulary => vocabulary;

    /// <summary>The token that an encoding shows as the text that it stands for, not as the vocabulary writes it; −1 for none.</summary>
    public virtual int ShownAsText => -1;

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
internal sealed class WordLevelModel(Vocabulary vocabulary, UnknownToken unknown) : TokenModel(vocabulary)
{
    public override Word Encode(ReadOnlySpan<char> piece) =>
        piece.IsEmpty ? Word.Empty : new Word([Vocabulary.TryGetId(piece, out int id) ? id : unknown.Id(piece)], [Unicode.CodePoints.Utf8Length(piece)]);
}
