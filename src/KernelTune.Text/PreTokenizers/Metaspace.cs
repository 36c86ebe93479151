using KernelTune.Text.Patterns;
using KernelTune.Text.Pipeline;

namespace KernelTune.Text.PreTokenizers;

/// <summary>Whether ▁ is put before a text that does not begin with it.</summary>
internal enum PrependScheme
{
    Always,
    First,
    Never,
}

/// <summary>SentencePiece's spaces: each becomes ▁, which begins a piece.</summary>
internal sealed class Metaspace(int replacement, PrependScheme scheme, bool split) : PreTokenizer
{
    private readonly CharSet marks = CharSet.Of(replacement);
    private readonly string mark = char.ConvertFromUtf32(replacement);

    public override void Split(Piece piece, List<Piece> parts)
    {
        if (piece.Span.Contains(' ')) piece = piece.Mapped(c => c == ' ' ? replacement : c);
        if (scheme != PrependScheme.Never && !piece.Span.StartsWith(mark) && (scheme == PrependScheme.Always || piece.TextStart == 0)) piece = piece.Prepended(mark);
        if (split) Matches.Split(piece, Matches.Of(marks, piece.Span), SplitBehavior.MergedWithNext, parts);
        else if (piece.Length > 0) parts.Add(piece);
    }
}
