namespace KernelTune.Evaluation.Generation.Processors;

/// <summary>Divides positive scores of tokens that occurred by the penalty and multiplies negative ones (Keskar et al., 2019, CTRL). Each token once.</summary>
/// <param name="penalty">Above 1 discourages repetition, below 1 rewards it.</param>
/// <param name="ignoredPrompt">How many leading ids do not count.</param>
public sealed class RepetitionPenalty(double penalty, int ignoredPrompt = 0) : ILogitsProcessor
{
    public string Name => "RepetitionPenaltyLogitsProcessor";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        // Left padding is no text; a padding token inside the sequence is.
        int start = Math.Min(context.Ids.Length, Math.Max(context.Padding, ignoredPrompt));
        Penalty.Apply(context.Ids[start..], penalty, scores);
    }
}

/// <summary>The inverse penalty for the tokens of the source text: above 1 favours them.</summary>
/// <param name="penalty">The penalty; its inverse is applied.</param>
/// <param name="sources">The source ids of every row.</param>
public sealed class EncoderRepetitionPenalty(double penalty, IReadOnlyList<int[]> sources) : ILogitsProcessor
{
    public string Name => "EncoderRepetitionPenaltyLogitsProcessor";

    public void Process(in LogitsContext context, Span<float> scores) => Penalty.Apply(sources[context.Prompt], 1 / penalty, scores);
}

internal static class Penalty
{
    public static void Apply(ReadOnlySpan<int> ids, double penalty, Span<float> scores)
    {
        var seen = new HashSet<int>(ids.Length);
        foreach (int id in ids)
        {
            if (!seen.Add(id))
                continue;
            double score = scores[id];
            scores[id] = (float)(score < 0 ? score * penalty : score / penalty);
        }
    }
}
