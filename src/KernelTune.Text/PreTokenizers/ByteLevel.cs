using KernelTune.Text.Models;
using KernelTune.Text.Pipeline;

namespace KernelTune.Text.PreTokenizers;

/// <summary>GPT-2's split into words, numbers, symbols and spaces; then each byte becomes the character that stands for it.</summary>
internal sealed class ByteLevel(bool addPrefixSpace, bool useRegex, bool spell) : PreTokenizer
{
    private static readonly PatternKey Words =
        PatternKey.Own(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", "the byte-level pre-tokenizer");

    /// <summary>The same, leaving the bytes to a model that takes them itself.</summary>
    public ByteLevel WithoutSpelling() => new(addPrefixSpace, useRegex, spell: false);

    public override bool InPlace => !addPrefixSpace && !spell;

    public override bool LeavesBytes => !spell;

    public override void SplitRange(ReadOnlySpan<char> text, int begin, int end, RangeSink sink)
    {
        if (useRegex) Words.SplitRange(text, begin, end, SplitBehavior.Isolated, sink);
        else if (end > begin) sink.Add(text, begin, end);
    }

    public override void Split(Piece piece, List<Piece> parts)
    {
        if (addPrefixSpace && (piece.Length == 0 || piece.Span[0] != ' ')) piece = piece.Prepended(" ");
        if (!useRegex)
        {
            if (piece.Length > 0) parts.Add(Finished(piece));
            return;
        }
        int first = parts.Count;
        Matches.Split(piece, Words.Find(piece.Span), SplitBehavior.Isolated, parts);
        for (int i = first; i < parts.Count; i++) parts[i] = Finished(parts[i]);
    }

    private Piece Finished(Piece piece) => spell ? ByteAlphabet.Spell(piece) : piece.ToBytes();
}
