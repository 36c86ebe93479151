namespace KernelTune.Evaluation.Generation.Processors;

/// <summary>scores / temperature.</summary>
public sealed class Temperature(double temperature) : ILogitsProcessor
{
    public string Name => "TemperatureLogitsWarper";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        for (int i = 0; i < scores.Length; i++)
            scores[i] = (float)(scores[i] / temperature);
    }
}

/// <summary>scores − log Σ exp(scores): log-probabilities.</summary>
public sealed class Renormalize : ILogitsProcessor
{
    public string Name => "LogitNormalization";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        var softmax = new Softmax(scores);
        for (int i = 0; i < scores.Length; i++)
            scores[i] = (float)softmax.LogProbability(scores[i]);
    }
}

/// <summary>NaN becomes 0 and the infinities the largest and the smallest float.</summary>
public sealed class RemoveInvalidValues : ILogitsProcessor
{
    public string Name => "InfNanRemoveLogitsProcessor";

    public void Process(in LogitsContext context, Span<float> scores)
    {
        for (int i = 0; i < scores.Length; i++)
        {
            if (float.IsNaN(scores[i]))
                scores[i] = 0;
            else if (float.IsInfinity(scores[i]))
                scores[i] = scores[i] > 0 ? float.MaxValue : float.MinValue;
        }
    }
}
