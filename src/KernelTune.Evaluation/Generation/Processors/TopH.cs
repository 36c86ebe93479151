namespace KernelTune.Evaluation.Generation.Processors;

/// <summary>Keeps the likeliest tokens while their cumulated entropy stays within a share of the whole (Potraghloo et al., 2025), of at most 100.</summary>
public sealed class TopH(double share) : ILogitsProcessor
{
    private const int Considered = 100;

    private readonly DescendingScores order = new();

    public string Name => "TopHLogitsWarper";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        order.Fill(scores);
        int count = Math.Min(Considered, order.Left);
        Span<int> tokens = stackalloc int[count];
        Span<float> top = stackalloc float[count];
        for (int i = 0; i < count; i++)
        {
            tokens[i] = order.Take(scores);
            top[i] = scores[tokens[i]];
        }

        var softmax = new Softmax(top);
        double limit = softmax.Entropy(top) * share;
        double entropy = 0;
        int kept = 0;
        for (; kept < count; kept++)
        {
            double log = softmax.LogProbability(top[kept]);
            entropy -= Math.Exp(log) * log;
            if (kept > 0 && entropy > limit)
                break;
        }

        Kept.Only(tokens[..kept], scores);
    }
}
