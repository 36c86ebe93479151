using KernelTune.Text.Unicode;

namespace KernelTune.Text.Patterns;

/// <summary>Runs a compiled pattern at one place of a text. Keeps its stack from one match to the next; not for two threads at a time.</summary>
internal sealed class PatternRun(Instruction[] steps, int slots)
{
    private const int Alternative = 0, GiveBack = 1, RestoreSlot = 2;

    private readonly int[] loopStarts = new int[slots];
    private long allowed;
    private long spent;
    private int[] stack = new int[64];      // frames of four: kind, step or slot, position, least position
    private int top;
    private int searchStart;

    /// <summary>Worth keeping: no long text has made its stack grow.</summary>
    public bool IsSmall => stack.Length <= 1 << 14;

    /// <summary>Begins to count steps anew.</summary>
    public void Allow(long steps) => (allowed, spent) = (steps, 0);

    /// <summary>The end of the match that begins at <paramref name="start"/>, or −1.</summary>
    public int MatchAt(ReadOnlySpan<char> text, int start, int searchFrom)
    {
        top = 0;
        searchStart = searchFrom;
        return Run(text, 0, start);
    }

    private int Run(ReadOnlySpan<char> text, int step, int at)
    {
        int bottom = top;
        while (true)
        {
            if (++spent > allowed) throw new PatternException($"the pattern took more than {allowed} steps on a text of {text.Length} characters");
            ref readonly var s = ref steps[step];
            bool ok = true;
            switch (s.Op)
            {
                case Op.Match:
                    top = bottom;
                    return at;
                case Op.Char:
                    if (at < text.Length && CodePoints.At(text, at, out int units) == s.A)
                    {
                        at += units;
                        step++;
                    }
                    else
                        ok = false;
                    break;
                case Op.Set:
                    if (at < text.Length && s.Set!.Contains(CodePoints.At(text, at, out units)))
                    {
                        at += units;
                        step++;
                    }
                    else
                        ok = false;
                    break;
                case Op.Loop or Op.AtomicLoop:
                    int least = at, end = at, count = 0;
                    while (end < text.Length && count != s.B)
                    {
                        if (!s.Set!.Contains(CodePoints.At(text, end, out units))) break;
                        end += units;
                        if (++count == s.A) least = end;
                    }
                    spent += count;
                    if (count < s.A)
                    {
                        ok = false;
                        break;
                    }
                    step++;
                    at = end;
                    if (s.Op == Op.Loop && end > least) Push(GiveBack, step, end, least);
                    break;
                case Op.Split:
                    if (s.Set is null || at < text.Length && s.Set.Contains(CodePoints.At(text, at, out _)))
                    {
                        Push(Alternative, s.B, at, 0);
                        step = s.A;
                    }
                    else
                        step = s.B;
                    break;
                case Op.Jump:
                    step = s.A;
                    break;
                case Op.Atomic:
                    at = Run(text, step + 1, at);
                    step = s.A;
                    ok = at >= 0;
                    break;
                case Op.Look:
                    ok = Look(text, step, at) != ((s.B & 1) != 0);
                    step = s.A;
                    break;
                case Op.Anchor:
                    ok = Holds((AnchorKind)s.A, text, at);
                    step++;
                    break;
                case Op.LoopStart:
                    Push(RestoreSlot, s.A, loopStarts[s.A], 0);
                    loopStarts[s.A] = at;
                    step++;
                    break;
                case Op.LoopCheck:
                    // A round that took nothing ends the loop: the Jump back is skipped.
                    step += loopStarts[s.A] == at ? 2 : 1;
                    break;
                default:
                    ok = false;
                    break;
            }
            if (!ok && !Back(text, bottom, ref step, ref at)) return -1;
        }
    }

    /// <summary>Takes up the last choice that is left above <paramref name="bottom"/>.</summary>
    private bool Back(ReadOnlySpan<char> text, int bottom, ref int step, ref int at)
    {
        while (top > bottom)
        {
            int frame = top - 4;
            switch (stack[frame])
            {
                case RestoreSlot:
                    loopStarts[stack[frame + 1]] = stack[frame + 2];
                    top = frame;
                    continue;
                case GiveBack:
                    CodePoints.Before(text, stack[frame + 2], out int units);
                    at = stack[frame + 2] -= units;
                    step = stack[frame + 1];
                    if (at <= stack[frame + 3]) top = frame;
                    return true;
                default:
                    (step, at) = (stack[frame + 1], stack[frame + 2]);
                    top = frame;
                    return true;
            }
        }
        return false;
    }

    private bool Look(ReadOnlySpan<char> text, int step, int at)
    {
        ref readonly var s = ref steps[step];
        if ((s.B & 2) == 0) return Run(text, step + 1, at) >= 0;
        int from = at;
        for (int back = 0; back <= s.Most; back++)
        {
            if (back >= s.Least && EndsAt(text, step + 1, from, at)) return true;
            if (from == 0) break;
            CodePoints.Before(text, from, out int units);
            from -= units;
        }
        return false;
    }

    /// <summary>Whether a look-behind that begins at <paramref name="from"/> ends at <paramref name="at"/>: nothing after it is visible.</summary>
    private bool EndsAt(ReadOnlySpan<char> text, int step, int from, int at)
    {
        int bottom = top;
        int end = Run(text[..at], step, from);
        top = bottom;
        return end == at;
    }

    private bool Holds(AnchorKind kind, ReadOnlySpan<char> text, int at) => kind switch
    {
        AnchorKind.TextStart => at == 0,
        AnchorKind.TextEnd => at == text.Length,
        AnchorKind.TextEndOrLastNewline => at == text.Length || at == text.Length - 1 && text[at] == '\n',
        AnchorKind.LineStart => at == 0 || text[at - 1] == '\n' && at < text.Length,
        AnchorKind.LineEnd => at == text.Length || text[at] == '\n',
        AnchorKind.WordBoundary => AtBoundary(text, at),
        AnchorKind.NotWordBoundary => !AtBoundary(text, at),
        _ => at == searchStart,
    };

    private static bool AtBoundary(ReadOnlySpan<char> text, int at) =>
        (at > 0 && CharacterClasses.IsWord(CodePoints.Before(text, at, out _))) != (at < text.Length && CharacterClasses.IsWord(CodePoints.At(text, at, out _)));

    private void Push(int kind, int step, int position, int least)
    {
        if (top + 4 > stack.Length) Array.Resize(ref stack, stack.Length * 2);
        stack[top] = kind;
        stack[top + 1] = step;
        stack[top + 2] = position;
        stack[top + 3] = least;
        top += 4;
    }
}
