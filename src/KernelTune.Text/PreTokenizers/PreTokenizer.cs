using KernelTune.Text.Pipeline;

namespace KernelTune.Text.PreTokenizers;

/// <summary>Splits a normalized text into the pieces that the model sees one by one.</summary>
internal abstract class PreTokenizer
{
    /// <summary>Adds the parts of <paramref name="piece"/>, in order and none of them empty, to <paramref name="parts"/>.</summary>
    public abstract void Split(Piece piece, List<Piece> parts);

    /// <summary>The parts of all pieces; a piece that is an added token stays as it is.</summary>
    public List<Piece> Split(List<Piece> pieces)
    {
        var parts = new List<Piece>(pieces.Count * 2);
        foreach (var piece in pieces)
        {
            if (piece.AddedToken >= 0) parts.Add(piece);
            else Split(piece, parts);
        }
        return parts;
    }
}

/// <summary>One pre-tokenizer after another.</summary>
internal sealed class PreTokenizerSequence(IReadOnlyList<PreTokenizer> parts) : PreTokenizer
{
    public IReadOnlyList<PreTokenizer> Parts => parts;

    public override void Split(Piece piece, List<Piece> into)
    {
        var pieces = new List<Piece> { piece };
        foreach (var part in parts) pieces = part.Split(pieces);
        into.AddRange(pieces);
    }
}
