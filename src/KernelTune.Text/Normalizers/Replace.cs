using KernelTune.Text.Pipeline;

namespace KernelTune.Text.Normalizers;

/// <summary>Replaces every match of a pattern.</summary>
internal sealed class Replace(PatternKey pattern, string content) : Normalizer
{
    public override bool Keeps(ReadOnlySpan<char> text) => pattern.Literal is { Length: > 0 } literal && text.IndexOf(literal) < 0;

    public override Piece Apply(Piece piece) => Keeps(piece.Span) ? piece : piece.Replaced(pattern.Find(piece.Span), content);
}
