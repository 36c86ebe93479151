namespace KernelTune.Evaluation.Generation.Processors;

/// <summary>Keeps the likeliest tokens while their cumulated entropy stays within a share of the whole (Potraghloo et al., 2025), of at most 100.</summary>
public sealed class TopH(double share) : ILogitsProcessor
{
    private const int Considered = 100;

    public string Name => "TopHLogitsWarper";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        int[] ascending = Ranking.Ascending(scores);
        int count = Math.Min(Considered, ascending.Length);
        Span<float> top = stackalloc float[count];
        for (int i = 0; i < count; i++)
            top[i] = scores[ascending[^(i + 1)]];
        scores.Fill(float.NegativeInfinity);

        var softmax = new Softmax(top);
        double limit = softmax.Entropy(top) * share;
        double entropy = 0;
        for (int i = 0; i < count; i++)
        {
            double log = softmax.LogProbability(top[i]);
            entropy -= Math.Exp(log) * log;
            if (i == 0 || entropy <= limit)
                scores[ascending[^(i + 1)]] = top[i];
        }
    }
}
