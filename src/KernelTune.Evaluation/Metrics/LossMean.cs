namespace KernelTune.Evaluation.Metrics;

/// <summary>The loss of a whole set: the mean over all labels of all batches, whatever their sizes (a mean of batch means would weigh short batches too much).</summary>
/// <remarks>Added up in double with Neumaier's compensation, so that the order of magnitudes does not matter.</remarks>
public sealed class LossMean
{
    private double sum;
    private double compensation;

    /// <summary>The number of labels that counted.</summary>
    public long Labels { get; private set; }

    /// <summary>How many batches had no label to count: they add nothing.</summary>
    public int BatchesWithoutLabels { get; private set; }

    /// <summary>Σ loss / labels, in nats; NaN while no label has counted.</summary>
    public double Mean => Labels == 0 ? double.NaN : (sum + compensation) / Labels;

    /// <summary>e^mean.</summary>
    public double Perplexity => Math.Exp(Mean);

    /// <summary>mean / ln 2.</summary>
    public double BitsPerLabel => Mean / Math.Log(2);

    /// <summary>Adds a batch by its mean loss.</summary>
    /// <param name="mean">The mean over the batch's labels; ignored where there are none (it may be NaN then).</param>
    /// <param name="labels">How many labels are not −100.</param>
    public void AddMean(double mean, long labels)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(labels);
        if (labels == 0)
            BatchesWithoutLabels++;
        else
            Add(mean * labels, labels);
    }

    /// <summary>Adds a batch by the sum of its losses.</summary>
    public void AddSum(double lossSum, long labels)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(labels);
        if (labels == 0)
            BatchesWithoutLabels++;
        else
            Add(lossSum, labels);
    }

    private void Add(double value, long labels)
    {
        double total = sum + value;
        if (double.IsFinite(total))
            compensation += Math.Abs(sum) >= Math.Abs(value) ? sum - total + value : value - total + sum;
        sum = total;
        Labels += labels;
    }
}
