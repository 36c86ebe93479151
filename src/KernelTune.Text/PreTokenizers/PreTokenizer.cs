using KernelTune.Text.Pipeline;

namespace KernelTune.Text.PreTokenizers;

/// <summary>Splits a normalized text into the pieces that the model sees one by one.</summary>
internal abstract class PreTokenizer
{
    /// <summary>Adds the parts of <paramref name="piece"/>, in order and none of them empty, to <paramref name="parts"/>.</summary>
    public abstract void Split(Piece piece, List<Piece> parts);

    /// <summary>True if the characters stay as they are and <see cref="SplitRange"/> may be called.</summary>
    public virtual bool InPlace => false;

    /// <summary>True if the model is to take the bytes of what comes out.</summary>
    public virtual bool LeavesBytes => false;

    /// <summary>Gives the parts of text[begin..end], none of them empty, to <paramref name="sink"/>: what <see cref="Split(Piece, List{Piece})"/> does, without pieces.</summary>
    public virtual void SplitRange(ReadOnlySpan<char> text, int begin, int end, RangeSink sink) => throw new NotSupportedException();

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

    public override bool InPlace => parts.All(p => p.InPlace);

    public override bool LeavesBytes => parts.Count > 0 && parts[^1].LeavesBytes;

    public override void SplitRange(ReadOnlySpan<char> text, int begin, int end, RangeSink sink)
    {
        for (int i = parts.Count - 1; i > 0; i--) sink = new Next(parts[i], sink);
        if (parts.Count > 0) parts[0].SplitRange(text, begin, end, sink);
        else if (end > begin) sink.Add(text, begin, end);
    }

    public override void Split(Piece piece, List<Piece> into)
    {
        var pieces = new List<Piece> { piece };
        foreach (var part in parts) pieces = part.Split(pieces);
        into.AddRange(pieces);
    }

    /// <summary>Splits further what another part has found.</summary>
    private sealed class Next(PreTokenizer part, RangeSink sink) : RangeSink
    {
        public override void Add(ReadOnlySpan<char> text, int begin, int end) => part.SplitRange(text, begin, end, sink);
    }
}
