using KernelTune.Text.Unicode;

namespace KernelTune.Text.Patterns;

/// <summary>A compiled regular expression over code points: leftmost match, alternatives in their order, by backtracking whose steps are counted.</summary>
internal sealed class Pattern
{
    private const long StepsAtLeast = 10_000_000;
    private const long StepsPerUnit = 256;

    private readonly Instruction[] steps;
    private readonly CharSet? first;
    private readonly int slots;
    private PatternRun? idle;

    /// <exception cref="PatternException">The pattern is broken or uses what is not supported.</exception>
    public Pattern(string source)
    {
        Source = source;
        var program = PatternProgram.Compile(PatternParser.Parse(source));
        (steps, first, slots) = (program.Steps, program.First, program.Slots);
    }

    public string Source { get; }

    /// <summary>A pattern that matches <paramref name="text"/> itself.</summary>
    public static Pattern Literal(string text)
    {
        var escaped = new System.Text.StringBuilder();
        foreach (char c in text)
        {
            if (c < 0x80 && !char.IsAsciiLetterOrDigit(c) && c > ' ') escaped.Append('\\');
            escaped.Append(c);
        }
        return new Pattern(escaped.ToString());
    }

    /// <summary>Looks for all matches in <paramref name="text"/>, from left to right; an empty match directly behind another is none.</summary>
    public PatternScan Scan(ReadOnlySpan<char> text)
    {
        // One run waits for reuse: most texts are walked by one thread at a time.
        var run = Interlocked.Exchange(ref idle, null) ?? new PatternRun(steps, slots);
        run.Allow(StepsAtLeast + StepsPerUnit * text.Length);
        return new PatternScan(this, text, run);
    }

    internal CharSet? First => first;

    internal void Return(PatternRun run)
    {
        if (run.IsSmall) idle = run;
    }
}

/// <summary>One walk over a text, match by match.</summary>
internal ref struct PatternScan(Pattern pattern, ReadOnlySpan<char> text, PatternRun run)
{
    private readonly ReadOnlySpan<char> text = text;
    private int at;
    private int lastEnd = -1;
    private bool ended;

    public int Start { get; private set; }

    public int End { get; private set; }

    /// <exception cref="PatternException">The text takes more steps than are allowed.</exception>
    public bool Next()
    {
        var first = pattern.First;
        int from = at;
        while (!ended && at <= text.Length)
        {
            int units = 1;
            if (at < text.Length)
            {
                int c = CodePoints.At(text, at, out units);
                if (first is not null && !first.Contains(c))
                {
                    at += units;
                    continue;
                }
            }
            else if (first is not null)
                break;
            int end = run.MatchAt(text, at, from);
            if (end >= 0 && !(end == at && at == lastEnd))
            {
                (Start, End, lastEnd) = (at, end, end);
                at = end;
                return true;
            }
            at += units;
        }
        if (!ended) pattern.Return(run);
        ended = true;
        return false;
    }
}
