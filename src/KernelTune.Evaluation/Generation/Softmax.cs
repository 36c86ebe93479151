namespace KernelTune.Evaluation.Generation;

/// <summary>The distribution that scores stand for, in double: p[i] = exp(scores[i] − max) / Σ.</summary>
internal readonly struct Softmax
{
    private readonly double max;
    private readonly double logSum;

    public Softmax(ReadOnlySpan<float> scores)
    {
        max = double.NegativeInfinity;
        foreach (float s in scores)
            max = Math.Max(max, s);
        double sum = 0;
        foreach (float s in scores)
            sum += s == max ? 1 : Math.Exp(s - max);
        logSum = Math.Log(sum);
    }

    /// <summary>log Σ exp(scores).</summary>
    public double LogOfSum => max + logSum;

    /// <summary>log p of a score; −∞ for −∞.</summary>
    public double LogProbability(float score) => score - max - logSum;

    /// <summary>p of a score.</summary>
    public double Probability(float score) => Math.Exp(score - max - logSum);

    /// <summary>−Σ p·log p over the finite scores, in nats.</summary>
    public double Entropy(ReadOnlySpan<float> scores)
    {
        double entropy = 0;
        foreach (float s in scores)
        {
            if (float.IsNegativeInfinity(s))
                continue;
            double log = LogProbability(s);
            entropy -= Math.Exp(log) * log;
        }

        return entropy;
    }
}
