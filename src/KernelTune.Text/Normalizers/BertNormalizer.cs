using KernelTune.Text.Pipeline;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Normalizers;

/// <summary>BERT's: drops control characters, makes every white space a space, sets Chinese characters apart, strips accents, lowers case.</summary>
internal sealed class BertNormalizer(bool cleanText, bool chineseCharacters, bool stripAccents, bool lowercase) : Normalizer
{
    private static readonly Normalizer Decomposed = new UnicodeForm(compose: false, compatible: false);
    private static readonly Normalizer Lower = new Lowercase();

    public override Piece Apply(Piece piece)
    {
        int plain = PlainLength(piece.Span);
        if (plain == piece.Length) return Plain(piece);
        // Nothing that is done to a character reaches beyond a plain one, so what lies between plain characters is done by itself.
        var parts = new List<Piece>();
        for (int i = 0; i < piece.Length; plain = PlainLength(piece.Span[i..]))
        {
            if (plain > 0) parts.Add(Plain(piece.Slice(i, i + plain)));
            i += plain;
            int other = i;
            while (other < piece.Length && !IsPlain(piece.Span[other])) other++;
            if (other > i) parts.Add(General(piece.Slice(i, other)));
            i = other;
        }
        return piece.Joined(parts);
    }

    private Piece General(Piece piece)
    {
        if (cleanText) piece = piece.Filtered(c => c is not (0 or 0xFFFD) && !IsControl(c)).Mapped(c => CharacterClasses.IsSpace(c) ? ' ' : c);
        if (chineseCharacters) piece = SetApart(piece);
        if (stripAccents) piece = Decomposed.Apply(piece).Filtered(c => !EarlierUnicode.IsNonSpacingMark8(c));
        return lowercase ? Lower.Apply(piece) : piece;
    }

    /// <summary>ASCII without control characters: each character becomes one, whatever is asked for.</summary>
    private static bool IsPlain(char c) => c is >= ' ' and <= '~' or '\t' or '\n' or '\r';

    private static int PlainLength(ReadOnlySpan<char> text)
    {
        int length = 0;
        while (length < text.Length && IsPlain(text[length])) length++;
        return length;
    }

    private Piece Plain(Piece piece)
    {
        if (!lowercase && !cleanText) return piece;
        return piece.Exchanged(string.Create(piece.Length, (piece, lowercase, cleanText), static (to, state) =>
        {
            var from = state.piece.Span;
            for (int i = 0; i < to.Length; i++)
            {
                char c = from[i];
                to[i] = state.cleanText && c < ' ' ? ' ' : state.lowercase && char.IsAsciiLetterUpper(c) ? (char)(c | 0x20) : c;
            }
        }));
    }

    private static Piece SetApart(Piece piece)
    {
        var changes = new List<Change>(piece.Length);
        for (int i = 0; i < piece.Length;)
        {
            int c = CodePoints.At(piece.Span, i, out int units);
            i += units;
            if (IsChinese(c)) changes.AddRange([new Change(' ', 0), new Change(c, 1), new Change(' ', 1)]);
            else changes.Add(new Change(c, 0));
        }
        return piece.Changed(changes);
    }

    /// <summary>The C categories without tab, newline and carriage return; unassigned code points stay.</summary>
    private static bool IsControl(int c) => c is not ('\t' or '\n' or '\r') && EarlierUnicode.IsOther8(c);

    private static bool IsChinese(int c) => c is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B81F)
        or (>= 0x2B920 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);
}
