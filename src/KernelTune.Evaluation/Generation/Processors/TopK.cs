namespace KernelTune.Evaluation.Generation.Processors;

/// <summary>Keeps the k highest scores, and those that equal the lowest of them (Fan et al., 2018).</summary>
public sealed class TopK(int k, int minTokensToKeep = 1) : ILogitsProcessor
{
    public string Name => "TopKLogitsWarper";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        float least = Ranking.Largest(scores, Math.Min(Math.Max(k, minTokensToKeep), scores.Length));
        for (int i = 0; i < scores.Length; i++)
            if (scores[i] < least)
                scores[i] = float.NegativeInfinity;
    }
}
