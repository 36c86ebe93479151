using KernelTune.Text.Pipeline;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Normalizers;

/// <summary>NFC, NFD, NFKC or NFKD (UAX #15).</summary>
internal sealed class UnicodeForm(bool compose, bool compatible) : Normalizer
{
    public override bool Keeps(ReadOnlySpan<char> text) =>
        Normalization.IsUnaffected(text, compatible) || compose && !compatible && Normalization.IsComposed(text);

    public override Piece Apply(Piece piece)
    {
        if (Keeps(piece.Span)) return piece;
        return piece.Changed(compose ? Normalization.Compose(piece.Span, compatible) : Normalization.Decompose(piece.Span, compatible));
    }
}
