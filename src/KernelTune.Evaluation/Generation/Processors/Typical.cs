namespace KernelTune.Evaluation.Generation.Processors;

/// <summary>Keeps the tokens whose surprise is nearest to the entropy, until their mass reaches a share (Meister et al., 2022).</summary>
public sealed class Typical(double mass, int minTokensToKeep = 1) : ILogitsProcessor
{
    public string Name => "TypicalLogitsWarper";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        var softmax = new Softmax(scores);
        double entropy = softmax.Entropy(scores);
        var distance = new double[scores.Length];
        for (int i = 0; i < scores.Length; i++)
            distance[i] = Math.Abs(-softmax.LogProbability(scores[i]) - entropy);
        int[] order = Ranking.Ascending(distance);

        int last = 0;
        double cumulated = 0;
        foreach (int i in order)
        {
            cumulated += softmax.Probability(scores[i]);
            if (cumulated < mass)
                last++;
        }

        double limit = distance[order[Math.Min(last, order.Length - 1)]];
        for (int rank = minTokensToKeep; rank < order.Length; rank++)
            if (distance[order[rank]] > limit)
                scores[order[rank]] = float.NegativeInfinity;
    }
}
