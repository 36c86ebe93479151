namespace KernelTune.Evaluation.Generation.Processors;

/// <summary>Keeps the tokens of probability ε and more (Hewitt et al., 2022), and the likeliest in any case.</summary>
public sealed class EpsilonCutoff(double epsilon, int minTokensToKeep = 1) : ILogitsProcessor
{
    public string Name => "EpsilonLogitsWarper";

    public void Process(in LogitsContext context, Span<float> scores) => Cutoff.Apply(new Softmax(scores), epsilon, minTokensToKeep, scores);
}

/// <summary>Keeps the tokens of probability η = min(ε, √ε·e^−entropy) and more (Hewitt et al., 2022), and the likeliest in any case.</summary>
public sealed class EtaCutoff(double epsilon, int minTokensToKeep = 1) : ILogitsProcessor
{
    public string Name => "EtaLogitsWarper";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        var softmax = new Softmax(scores);
        double eta = Math.Min(epsilon, Math.Sqrt(epsilon) * Math.Exp(-softmax.Entropy(scores)));
        Cutoff.Apply(softmax, eta, minTokensToKeep, scores);
    }
}

internal static class Cutoff
{
    public static void Apply(Softmax softmax, double least, int minTokensToKeep, Span<float> scores)
    {
        float kept = Ranking.Largest(scores, Math.Min(minTokensToKeep, scores.Length));
        for (int i = 0; i < scores.Length; i++)
            if (scores[i] < kept && softmax.Probability(scores[i]) < least)
                scores[i] = float.NegativeInfinity;
    }
}
