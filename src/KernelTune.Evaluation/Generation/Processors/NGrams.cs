namespace KernelTune.Evaluation.Generation.Processors;

/// <summary>Forbids every token that would complete an n-gram which already occurred in the sequence (padding counts as text).</summary>
public sealed class NoRepeatNGram(int size) : ILogitsProcessor
{
    public string Name => "NoRepeatNGramLogitsProcessor";

    public void Process(in LogitsContext context, Span<float> scores) => NGrams.Forbid(context.Ids, context.Ids, size, scores);
}

/// <summary>Forbids every token that would complete an n-gram of the source text.</summary>
/// <param name="size">The n-gram's length.</param>
/// <param name="sources">The source ids of every row.</param>
public sealed class EncoderNoRepeatNGram(int size, IReadOnlyList<int[]> sources) : ILogitsProcessor
{
    public string Name => "EncoderNoRepeatNGramLogitsProcessor";

    public void Process(in LogitsContext context, Span<float> scores) => NGrams.Forbid(sources[context.Prompt], context.Ids, size, scores);
}

internal static class NGrams
{
    public static void Forbid(ReadOnlySpan<int> text, ReadOnlySpan<int> ids, int size, Span<float> scores)
    {
        if (ids.Length < size - 1)
            return;
        ReadOnlySpan<int> suffix = ids[(ids.Length - (size - 1))..];
        for (int start = 0; start + size <= text.Length; start++)
            if (text.Slice(start, size - 1).SequenceEqual(suffix))
                scores[text[start + size - 1]] = float.NegativeInfinity;
    }
}
