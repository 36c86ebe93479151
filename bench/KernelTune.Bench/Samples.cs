namespace KernelTune.Bench;

/// <summary>Many runs of one thing: median, quartiles, best.</summary>
internal sealed class Samples
{
    private readonly List<double> values = [];

    public void Add(double value) => values.Add(value);

    public double Median => At(0.5);

    public double At(double quantile)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? double.NaN : sorted[(int)Math.Round(quantile * (sorted.Length - 1))];
    }

    /// <summary>"median (lower quartile-upper quartile)" of percentages.</summary>
    public string Percent => $"{Median:P1} ({At(0.25):P0}-{At(0.75):P0})";

    public override string ToString() => $"{Median:F2} ({At(0.25):F2}-{At(0.75):F2})";
}
