using KernelTune.Text.Chat;
using KernelTune.Text.Unicode;

namespace KernelTune.Text.Pipeline;

/// <summary>The parts of a text in which special tokens are ordinary text.</summary>
internal sealed class OrdinaryParts
{
    public static OrdinaryParts None { get; } = new([], false);

    public static OrdinaryParts All { get; } = new([], true);

    private readonly TextSpan[] spans;      // in UTF-16 units
    private readonly bool all;

    private OrdinaryParts(TextSpan[] spans, bool all) => (this.spans, this.all) = (spans, all);

    /// <exception cref="ArgumentException">A span ends before it begins, or before the one before it ends.</exception>
    public static OrdinaryParts Of(string text, EncodeOptions? options)
    {
        if (options is null) return None;
        if (options.SpecialTokensAreText) return All;
        if (options.OrdinaryText.Count == 0) return None;
        var spans = new TextSpan[options.OrdinaryText.Count];
        int unit = 0, point = 0, before = 0;
        for (int i = 0; i < spans.Length; i++)
        {
            var (start, end) = options.OrdinaryText[i];
            if (start < before || end < start) throw new ArgumentException($"ordinary text: span {i} [{start}, {end}) must be ascending and begin at {before} or later");
            before = end;
            int begin = UnitAt(start);
            spans[i] = new TextSpan(begin, UnitAt(end));
        }
        return new OrdinaryParts(spans, false);

        int UnitAt(int codePoint)
        {
            while (point < codePoint && unit < text.Length)
            {
                CodePoints.At(text, unit, out int units);
                unit += units;
                point++;
            }
            return unit;
        }
    }

    /// <summary>Whether the units [begin, end) of the piece reach into such a part.</summary>
    public bool Touch(Piece piece, int begin, int end)
    {
        if (all || spans.Length == 0) return all;
        var (from, to) = piece.InText(begin, end);
        int low = 0, high = spans.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (spans[middle].End <= from) low = middle + 1;
            else high = middle;
        }
        return low < spans.Length && spans[low].Start < to;
    }
}
