using KernelTune.Text.Pipeline;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Normalizers;

/// <summary>Lower case, code point by code point: a final sigma is a sigma like any other.</summary>
internal sealed class Lowercase : Normalizer
{
    public override bool Keeps(ReadOnlySpan<char> text) => System.Text.Ascii.IsValid(text) && text.IndexOfAnyInRange('A', 'Z') < 0;

    public override Piece Apply(Piece piece)
    {
        if (System.Text.Ascii.IsValid(piece.Span)) return Keeps(piece.Span) ? piece : piece.Exchanged(piece.Span.ToString().ToLowerInvariant());
        var changes = new List<Change>(piece.Length);
        for (int i = 0; i < piece.Length;)
        {
            changes.Add(new Change(CaseMapping.ToLower(CodePoints.At(piece.Span, i, out int units), out int combining), 0));
            if (combining != 0) changes.Add(new Change(combining, 1));
            i += units;
        }
        return piece.Changed(changes);
    }
}

/// <summary>Removes combining marks.</summary>
internal sealed class StripAccents : Normalizer
{
    public override Piece Apply(Piece piece) => piece.Filtered(c => !EarlierUnicode.IsMark9(c));
}

/// <summary>Removes white space at the ends.</summary>
internal sealed class Strip(bool left, bool right) : Normalizer
{
    public override Piece Apply(Piece piece)
    {
        int begin = 0, end = piece.Length;
        if (left)
            while (begin < end && char.IsWhiteSpace(piece.Span[begin])) begin++;
        if (right)
            while (end > begin && char.IsWhiteSpace(piece.Span[end - 1])) end--;
        return piece.Trimmed(begin, end);
    }
}

/// <summary>Puts a text before one that is not empty.</summary>
internal sealed class Prepend(string prefix) : Normalizer
{
    public override Piece Apply(Piece piece) => piece.Prepended(prefix);
}

/// <summary>SentencePiece's NMT rules: control characters go, other kinds of space become spaces.</summary>
internal sealed class Nmt : Normalizer
{
    public override Piece Apply(Piece piece) => piece
        .Filtered(c => c is not ((>= 1 and <= 8) or 0xB or (>= 0xE and <= 0x1F) or 0x7F or 0x8F or 0x9F))
        .Mapped(c => c is 0x9 or 0xA or 0xC or 0xD or 0x1680 or (>= 0x200B and <= 0x200F) or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD ? ' ' : c);
}

/// <summary>Writes each byte of the text's UTF-8 as the character that stands for it.</summary>
internal sealed class ByteLevelNormalizer : Normalizer
{
    public override Piece Apply(Piece piece) => Models.ByteAlphabet.Spell(piece);
}

/// <summary>One normalizer after another.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<Normalizer> parts) : Normalizer
{
    public override bool Keeps(ReadOnlySpan<char> text)
    {
        foreach (var part in parts)
            if (!part.Keeps(text)) return false;
        return true;
    }

    public override Piece Apply(Piece piece)
    {
        foreach (var part in parts) piece = part.Apply(piece);
        return piece;
    }
}
