namespace KernelTune.Evaluation.Generation.Processors;

/// <summary>Keeps the tokens whose probability is at least p times that of the likeliest one (Nguyen et al., 2024).</summary>
public sealed class MinP(double p, int minTokensToKeep = 1) : ILogitsProcessor
{
    public string Name => "MinPLogitsWarper";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        // p[i] < p·p[max] is exp(s − max) < p: the sum cancels.
        double max = Ranking.Largest(scores, 1);
        float least = minTokensToKeep > 1 ? Ranking.Largest(scores, Math.Min(minTokensToKeep, scores.Length)) : (float)max;
        for (int i = 0; i < scores.Length; i++)
            if (scores[i] < least && Math.Exp(scores[i] - max) < p)
                scores[i] = float.NegativeInfinity;
    }
}
