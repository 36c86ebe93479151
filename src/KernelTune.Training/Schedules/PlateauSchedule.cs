namespace KernelTune.Training.Schedules;

/// <summary>Lowers the rate when a metric has stopped improving (PyTorch's ReduceLROnPlateau). Unlike the others it has a state, which a checkpoint keeps.</summary>
public sealed class PlateauSchedule
{
    private double best;
    private int badSteps;
    private int cooldownLeft;

    /// <param name="rate">The rate it starts from.</param>
    /// <param name="higherIsBetter">Whether the metric should grow.</param>
    public PlateauSchedule(double rate, bool higherIsBetter = false)
    {
        Rate = rate;
        HigherIsBetter = higherIsBetter;
        best = higherIsBetter ? double.NegativeInfinity : double.PositiveInfinity;
    }

    /// <summary>The rate that the next step uses.</summary>
    public double Rate { get; private set; }

    public bool HigherIsBetter { get; }

    public double Factor { get; init; } = 0.1;

    /// <summary>How many reports without improvement are borne; one more lowers the rate.</summary>
    public int Patience { get; init; } = 10;

    public double Threshold { get; init; } = 1e-4;

    /// <summary>Whether the threshold is a difference and not a share of the best.</summary>
    public bool AbsoluteThreshold { get; init; }

    /// <summary>How many reports after a reduction do not count.</summary>
    public int Cooldown { get; init; }

    public double MinRate { get; init; }

    /// <summary>A change of the rate that is not larger than this is not made.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>What a checkpoint keeps.</summary>
    public (double Rate, double Best, int BadSteps, int CooldownLeft) State
    {
        get => (Rate, best, badSteps, cooldownLeft);
        set => (Rate, best, badSteps, cooldownLeft) = value;
    }

    /// <summary>Reports the metric after a step.</summary>
    public void Report(double metric)
    {
        if (IsBetter(metric))
            (best, badSteps) = (metric, 0);
        else
            badSteps++;

        if (cooldownLeft > 0)
        {
            cooldownLeft--;
            badSteps = 0;
        }

        if (badSteps <= Patience)
            return;
        double lower = Math.Max(Rate * Factor, MinRate);
        if (Rate - lower > Epsilon)
            Rate = lower;
        cooldownLeft = Cooldown;
        badSteps = 0;
    }

    private bool IsBetter(double metric)
    {
        if (HigherIsBetter)
            return metric > (AbsoluteThreshold ? best + Threshold : best * (1 + Threshold));
        return metric < (AbsoluteThreshold ? best - Threshold : best * (1 - Threshold));
    }
}
