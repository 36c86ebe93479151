using KernelTune.Evaluation.Metrics;

namespace KernelTune.Training.Tasks;

/// <summary>What held-out batches came to: the mean loss over all their labels, and whatever else the task counts.</summary>
public sealed class Judgement
{
    private readonly Dictionary<string, (double Sum, long Count)> means = new(StringComparer.Ordinal);

    /// <summary>The mean over all labels, not the mean of the batches' means.</summary>
    public LossMean Loss { get; } = new();

    /// <summary>Adds to a mean over examples, such as "accuracy": how many counted, and how much they came to.</summary>
    public void Add(string metric, double sum, long count)
    {
        var (before, n) = means.GetValueOrDefault(metric);
        means[metric] = (before + sum, n + count);
    }

    /// <summary>The mean of a metric; NaN where nothing counted.</summary>
    public double Mean(string metric) => means.TryGetValue(metric, out var m) && m.Count > 0 ? m.Sum / m.Count : double.NaN;
}

/// <summary>One number of an evaluation.</summary>
/// <param name="Name">"loss", "perplexity", "accuracy" …</param>
/// <param name="Value">As metrics.jsonl shows it.</param>
public readonly record struct Figure(string Name, double Value);
