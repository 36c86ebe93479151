namespace KernelTune.Text.Patterns;

/// <summary>A regular expression as a tree.</summary>
internal abstract record PatternNode
{
    /// <summary>One code point of a set; where the set has a single member, <paramref name="Literal"/> is it, else −1.</summary>
    public sealed record One(CharSet Set, int Literal = -1) : PatternNode;

    public sealed record Concatenation(IReadOnlyList<PatternNode> Parts) : PatternNode;

    public sealed record Alternation(IReadOnlyList<PatternNode> Options) : PatternNode;

    /// <summary>From <paramref name="Min"/> to <paramref name="Max"/> times; −1: without limit.</summary>
    public sealed record Repeat(PatternNode Body, int Min, int Max, bool Lazy) : PatternNode;

    /// <summary>What has matched is not given back.</summary>
    public sealed record Atomic(PatternNode Body) : PatternNode;

    /// <summary>Looks ahead or behind without moving.</summary>
    public sealed record Look(PatternNode Body, bool Behind, bool Negative) : PatternNode;

    public sealed record Anchor(AnchorKind Kind) : PatternNode;

    public static PatternNode Empty { get; } = new Concatenation([]);
}

internal enum AnchorKind
{
    TextStart,
    TextEnd,
    TextEndOrLastNewline,
    LineStart,
    LineEnd,
    WordBoundary,
    NotWordBoundary,
    SearchStart,
}
