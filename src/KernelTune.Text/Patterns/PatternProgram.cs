namespace KernelTune.Text.Patterns;

internal enum Op : byte
{
    Match,
    Char,
    Set,
    Loop,
    AtomicLoop,
    Split,
    Jump,
    Look,
    Atomic,
    Anchor,
    LoopStart,
    LoopCheck,
    Fail,
}

/// <summary>One step of a compiled pattern.</summary>
/// <param name="Op">What to do.</param>
/// <param name="A">Char: the code point. Loops: the least count. Split: the branch tried first. Jump, Look and Atomic: where to go on. Anchor: its kind. Loop checks: the slot.</param>
/// <param name="B">Loops: the most, −1 without limit. Split: the other branch. Look: 1 negative, 2 behind.</param>
/// <param name="Set">The set of Set and of loops; of a Split: what the first branch can begin with, null if anything.</param>
/// <param name="Least">Look behind: the fewest code points to go back.</param>
/// <param name="Most">Look behind: the most.</param>
internal readonly record struct Instruction(Op Op, int A = 0, int B = 0, CharSet? Set = null, int Least = 0, int Most = 0);

/// <summary>Compiles a pattern to steps. Counted groups are written out, so the size is bounded.</summary>
internal sealed class PatternProgram
{
    private const int LargestProgram = 20000;
    private const int LongestLookBehind = 255;

    private readonly List<Instruction> steps = [];

    private PatternProgram()
    {
    }

    public Instruction[] Steps { get; private set; } = [];

    public int Slots { get; private set; }

    /// <summary>What a match can begin with; null if it can begin with anything or be empty.</summary>
    public CharSet? First { get; private set; }

    public static PatternProgram Compile(PatternNode pattern)
    {
        var program = new PatternProgram();
        program.Emit(pattern);
        program.Add(new Instruction(Op.Match));
        program.Steps = [.. program.steps];
        program.First = FirstOf(pattern);
        return program;
    }

    private int Add(Instruction step)
    {
        if (steps.Count >= LargestProgram) throw new PatternException($"the pattern needs more than {LargestProgram} steps: its repeat counts are too large");
        steps.Add(step);
        return steps.Count - 1;
    }

    private void Emit(PatternNode node)
    {
        switch (node)
        {
            case PatternNode.One one:
                Add(one.Literal >= 0 ? new Instruction(Op.Char, one.Literal) : new Instruction(Op.Set, Set: one.Set));
                break;
            case PatternNode.Concatenation all:
                foreach (var part in all.Parts) Emit(part);
                break;
            case PatternNode.Alternation any: EmitAlternation(any.Options); break;
            case PatternNode.Repeat repeat: EmitRepeat(repeat); break;
            case PatternNode.Atomic { Body: PatternNode.Repeat { Body: PatternNode.One one, Lazy: false } loop }:
                Add(new Instruction(Op.AtomicLoop, loop.Min, loop.Max, one.Set));
                break;
            case PatternNode.Atomic atomic: EmitInner(atomic.Body, false, go => new Instruction(Op.Atomic, go)); break;
            case PatternNode.Look look:
                var (least, most) = look.Behind ? LengthOf(look.Body) : (0, 0);
                if (most is < 0 or > LongestLookBehind) throw new PatternException($"a look-behind of more than {LongestLookBehind} characters");
                EmitInner(look.Body, look.Behind, go => new Instruction(Op.Look, go, (look.Negative ? 1 : 0) + (look.Behind ? 2 : 0), null, least, most));
                break;
            case PatternNode.Anchor anchor: Add(new Instruction(Op.Anchor, (int)anchor.Kind)); break;
        }
    }

    /// <summary>A part that runs on its own, up to a Match of its own; a look-behind sees a text that ends where it looks from, and must reach that end.</summary>
    private void EmitInner(PatternNode body, bool toTheEnd, Func<int, Instruction> head)
    {
        int at = Add(default);
        Emit(body);
        if (toTheEnd) Add(new Instruction(Op.Anchor, (int)AnchorKind.TextEnd));
        Add(new Instruction(Op.Match));
        steps[at] = head(steps.Count);
    }

    private void EmitAlternation(IReadOnlyList<PatternNode> options)
    {
        var exits = new List<int>();
        for (int i = 0; i < options.Count - 1; i++)
        {
            int split = Add(default);
            Emit(options[i]);
            exits.Add(Add(default));
            steps[split] = new Instruction(Op.Split, split + 1, steps.Count, FirstOf(options[i]));
        }
        Emit(options[^1]);
        foreach (int exit in exits) steps[exit] = new Instruction(Op.Jump, steps.Count);
    }

    private void EmitRepeat(PatternNode.Repeat repeat)
    {
        if (repeat is { Body: PatternNode.One one, Lazy: false })
        {
            Add(new Instruction(Op.Loop, repeat.Min, repeat.Max, one.Set));
            return;
        }
        for (int i = 0; i < repeat.Min; i++) Emit(repeat.Body);
        var first = FirstOf(repeat.Body);
        if (repeat.Max < 0)
        {
            int slot = Slots++;
            int split = Add(default);
            Add(new Instruction(Op.LoopStart, slot));
            Emit(repeat.Body);
            Add(new Instruction(Op.LoopCheck, slot));
            Add(new Instruction(Op.Jump, split));
            steps[split] = repeat.Lazy ? new Instruction(Op.Split, steps.Count, split + 1) : new Instruction(Op.Split, split + 1, steps.Count, first);
            return;
        }
        var splits = new List<int>();
        for (int i = repeat.Min; i < repeat.Max; i++)
        {
            splits.Add(Add(default));
            Emit(repeat.Body);
        }
        foreach (int split in splits)
            steps[split] = repeat.Lazy ? new Instruction(Op.Split, steps.Count, split + 1) : new Instruction(Op.Split, split + 1, steps.Count, first);
    }

    /// <summary>What a match of <paramref name="node"/> can begin with; null if that is not known or it can be empty.</summary>
    private static CharSet? FirstOf(PatternNode node)
    {
        switch (node)
        {
            case PatternNode.One one: return one.Set;
            case PatternNode.Atomic atomic: return FirstOf(atomic.Body);
            case PatternNode.Repeat repeat: return repeat.Min > 0 ? FirstOf(repeat.Body) : null;
            case PatternNode.Alternation any:
                CharSet? all = null;
                foreach (var option in any.Options)
                {
                    if (FirstOf(option) is not { } set) return null;
                    all = all is null ? set : all.Union(set);
                }
                return all;
            case PatternNode.Concatenation list:
                CharSet? before = null;
                foreach (var part in list.Parts)
                {
                    if (part is PatternNode.Anchor or PatternNode.Look) continue;      // they take no character: what follows them must
                    bool optional = part is PatternNode.Repeat { Min: 0 };
                    var set = optional ? FirstOf(((PatternNode.Repeat)part).Body) : FirstOf(part);
                    if (set is null) return null;
                    before = before is null ? set : before.Union(set);
                    if (!optional) return before;
                }
                return null;
            default: return null;
        }
    }

    /// <summary>The fewest and the most code points that a match has; −1 for no limit.</summary>
    private static (int Least, int Most) LengthOf(PatternNode node)
    {
        switch (node)
        {
            case PatternNode.One: return (1, 1);
            case PatternNode.Atomic atomic: return LengthOf(atomic.Body);
            case PatternNode.Repeat repeat:
                var (l, m) = LengthOf(repeat.Body);
                return (l * repeat.Min, repeat.Max < 0 || m < 0 ? -1 : (int)Math.Min((long)m * repeat.Max, int.MaxValue));
            case PatternNode.Alternation any:
                var lengths = any.Options.Select(LengthOf).ToList();
                return (lengths.Min(x => x.Least), lengths.Any(x => x.Most < 0) ? -1 : lengths.Max(x => x.Most));
            case PatternNode.Concatenation list:
                int least = 0, most = 0;
                foreach (var part in list.Parts)
                {
                    var (a, b) = LengthOf(part);
                    least += a;
                    most = most < 0 || b < 0 ? -1 : (int)Math.Min((long)most + b, int.MaxValue);
                }
                return (least, most);
            default: return (0, 0);
        }
    }
}
