using KernelTune.Text.Patterns;
using KernelTune.Text.Pipeline;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.PreTokenizers;

/// <summary>Splits at the matches of a pattern.</summary>
internal sealed class PatternSplit(PatternKey pattern, SplitBehavior behavior) : PreTokenizer
{
    public override bool InPlace => true;

    public override void Split(Piece piece, List<Piece> parts) => Matches.Split(piece, pattern.Find(piece.Span), behavior, parts);

    public override void SplitRange(ReadOnlySpan<char> text, int begin, int end, RangeSink sink) => pattern.SplitRange(text, begin, end, behavior, sink);
}

/// <summary>Splits at each code point of a set.</summary>
internal sealed class CharacterSplit(CharSet set, SplitBehavior behavior) : PreTokenizer
{
    private CharacterSplit(Func<int, bool> rule, SplitBehavior behavior)
        : this(new CharSet(rule), behavior)
    {
    }

    public override bool InPlace => true;

    public override void Split(Piece piece, List<Piece> parts) => Matches.Split(piece, Matches.Of(set, piece.Span), behavior, parts);

    public override void SplitRange(ReadOnlySpan<char> text, int begin, int end, RangeSink sink)
    {
        if (behavior is SplitBehavior.MergedWithPrevious or SplitBehavior.MergedWithNext)
        {
            foreach (var (b, e) in Matches.Cuts(Matches.Of(set, text[begin..end]), behavior))
                if (e > b) sink.Add(text, begin + b, begin + e);
            return;
        }
        int from = begin;
        bool inMatch = false;       // whether what stands from there on are matches, which only a contiguous split keeps together
        for (int i = begin; i < end;)
        {
            bool isMatch = set.Contains(CodePoints.At(text, i, out int units));
            if (isMatch != inMatch || isMatch && behavior != SplitBehavior.Contiguous)
            {
                if (i > from && !(inMatch && behavior == SplitBehavior.Removed)) sink.Add(text, from, i);
                (from, inMatch) = (i, isMatch);
            }
            i += units;
        }
        if (end > from && !(inMatch && behavior == SplitBehavior.Removed)) sink.Add(text, from, end);
    }

    public static CharacterSplit Digits(bool individual) => new(CharacterClasses.IsNumber, individual ? SplitBehavior.Isolated : SplitBehavior.Contiguous);

    public static CharacterSplit WhiteSpace() => new(CharacterClasses.IsSpace, SplitBehavior.Removed);

    public static CharacterSplit Punctuation(SplitBehavior behavior) => new(EarlierUnicode.IsPunctuation8, behavior);

    public static CharacterSplit Delimiter(int character) => new(CharSet.Of(character), SplitBehavior.Removed);

    /// <summary>BERT's: words, and each punctuation mark by itself.</summary>
    public static PreTokenizerSequence Bert() => new([WhiteSpace(), Punctuation(SplitBehavior.Isolated)]);
}

/// <summary>Runs of word characters, and runs of what is neither a word character nor white space.</summary>
internal sealed class Whitespace : PreTokenizer
{
    public override void Split(Piece piece, List<Piece> parts)
    {
        for (int i = 0; i < piece.Length;)
        {
            int begin = i;
            int kind = KindAt(piece.Span, ref i);
            while (i < piece.Length)
            {
                int next = i;
                if (KindAt(piece.Span, ref next) != kind) break;
                i = next;
            }
            if (kind != 0) parts.Add(piece.Slice(begin, i));
        }
    }

    private static int KindAt(ReadOnlySpan<char> text, ref int i)
    {
        int c = CodePoints.At(text, i, out int units);
        i += units;
        return CharacterClasses.IsWordOrJoiner(c) ? 1 : CharacterClasses.IsSpace(c) ? 0 : 2;
    }
}

/// <summary>Pieces of so many code points.</summary>
internal sealed class FixedLength(int length) : PreTokenizer
{
    public override void Split(Piece piece, List<Piece> parts)
    {
        int begin = 0, count = 0;
        for (int i = 0; i < piece.Length;)
        {
            CodePoints.At(piece.Span, i, out int units);
            i += units;
            if (++count < length && i < piece.Length) continue;
            parts.Add(piece.Slice(begin, i));
            (begin, count) = (i, 0);
        }
    }
}

/// <summary>Splits where the script changes. Kana count as Han; a space and what has no script belong to any, but before the first script they are dropped.</summary>
internal sealed class UnicodeScripts : PreTokenizer
{
    public override void Split(Piece piece, List<Piece> parts)
    {
        int begin = -1;
        string? last = null;
        for (int i = 0; i < piece.Length;)
        {
            int c = CodePoints.At(piece.Span, i, out int units);
            string? script = c == ' ' ? null : c == 0x30FC ? "Han" : EarlierUnicode.Script9(c) switch { "Hiragana" or "Katakana" => "Han", var s => s };
            if (script is not null && script != last)
            {
                if (begin >= 0) parts.Add(piece.Slice(begin, i));
                (begin, last) = (i, script);
            }
            i += units;
        }
        if (begin >= 0) parts.Add(piece.Slice(begin, piece.Length));
    }
}
