namespace KernelTune.Evaluation.Generation.Processors;

/// <summary>Keeps the smallest set of most likely tokens whose mass reaches p (Holtzman et al., 2019).</summary>
/// <remarks>Counted from the least likely token upwards: removed while the cumulated mass is at most 1 − p; of equal scores the lower indices go first.</remarks>
public sealed class TopP(double p, int minTokensToKeep = 1) : ILogitsProcessor
{
    public string Name => "TopPLogitsWarper";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        var softmax = new Softmax(scores);
        int[] order = Ranking.Ascending(scores);
        double mass = 0;
        for (int rank = 0; rank < order.Length - minTokensToKeep; rank++)
        {
            mass += softmax.Probability(scores[order[rank]]);
            if (mass > 1 - p)
                break;
            scores[order[rank]] = float.NegativeInfinity;
        }
    }
}
