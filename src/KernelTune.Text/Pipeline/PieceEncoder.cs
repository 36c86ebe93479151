using KernelTune.Text.Models;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Pipeline;

/// <summary>Adds the tokens of pieces to a window, with their places in the text.</summary>
internal static class PieceEncoder
{
    public static void Add(Piece piece, TokenModel model, OffsetMap offsets, int sequence, Window window)
    {
        if (piece.AddedToken >= 0)
        {
            var (begin, end) = piece.InText(0, piece.Length);
            window.Add(piece.AddedToken, piece.Span.ToString(), offsets.Of(begin, end), sequence, sequence);
            return;
        }
        var word = piece.AsBytes ? model.EncodeBytes(piece.Span) : model.Encode(piece.Span);
        if (word is null)
        {
            piece = ByteAlphabet.Spell(piece);
            word = model.Encode(piece.Span);
        }
        int unit = 0, at = 0, done = 0;      // the character under the walk, its first byte, and the byte that the last token ended at
        for (int t = 0; t < word.Ids.Length; t++)
        {
            if (word.Bytes[t] == Word.SameSpan && t > 0)
            {
                window.Add(word.Ids[t], model.Vocabulary[word.Ids[t]], window.Offsets[^1], sequence, sequence);
                continue;
            }
            int first = UnitOf(done), last = UnitOf(Math.Max(done, done + word.Bytes[t] - 1));
            done += word.Bytes[t];
            CodePoints.At(piece.Span, last, out int units);
            var (begin, end) = piece.InText(first, last + units);
            string token = word.Ids[t] == model.ShownAsText ? piece.Span[first..(last + units)].ToString() : model.Vocabulary[word.Ids[t]];
            window.Add(word.Ids[t], token, offsets.Of(begin, end), sequence, sequence);
        }

        // Tokens go forward, so the walk need not begin again; a token never begins before the character that the one before it ended in.
        int UnitOf(int target)
        {
            while (true)
            {
                int length = CodePoints.Utf8Length(CodePoints.At(piece.Span, unit, out int units));
                if (target < at + length || unit + units >= piece.Length) return unit;
                at += length;
                unit += units;
            }
        }
    }
}
