using KernelTune.Text.Pipeline;

namespace KernelTune.Text.Normalizers;

/// <summary>Changes the characters of a text before it is split.</summary>
internal abstract class Normalizer
{
    public abstract Piece Apply(Piece piece);

    /// <summary>True where <see cref="Apply(Piece)"/> is known to leave the text as it is, which lets the quick way be taken.</summary>
    public virtual bool Keeps(ReadOnlySpan<char> text) => false;

    public string Apply(string text) => Apply(new Piece(text)).Span.ToString();
}
