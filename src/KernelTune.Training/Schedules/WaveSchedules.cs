namespace KernelTune.Training.Schedules;

/// <summary>η_min + (base − η_min)·½(1 + cos(πk/T)): falls for T steps and climbs again for T (Loshchilov and Hutter, 2016; PyTorch's CosineAnnealingLR).</summary>
public sealed record CosineAnnealing(int Period, double MinRate = 0) : Schedule
{
    public override double Rate(int step, double baseRate) => MinRate + ((baseRate - MinRate) * (1 + Math.Cos(Math.PI * step / Period)) / 2);
}

/// <summary>Cosine annealing that jumps back after a period which grows by a factor each time (SGDR; PyTorch's CosineAnnealingWarmRestarts).</summary>
public sealed record CosineAnnealingWarmRestarts(int Period, int Growth = 1, double MinRate = 0) : Schedule
{
    public override double Rate(int step, double baseRate)
    {
        long period = Period, at = step;
        if (Growth == 1)
        {
            at %= period;
        }
        else
        {
            while (at >= period)
            {
                at -= period;
                period *= Growth;
            }
        }

        return MinRate + ((baseRate - MinRate) * (1 + Math.Cos(Math.PI * at / period)) / 2);
    }
}

/// <summary>How the height of a cycle changes.</summary>
public enum CycleShape
{
    /// <summary>Every cycle is as high as the first.</summary>
    Triangular,

    /// <summary>Every cycle is half as high as the one before.</summary>
    Triangular2,

    /// <summary>The height is multiplied by γ at every step.</summary>
    ExponentialRange,
}

/// <summary>Climbs and falls between two rates, whatever the optimizer's own rate is (Smith, 2015; PyTorch's CyclicLR). The momentum runs against the rate.</summary>
public sealed record CyclicSchedule(double LowRate, double HighRate) : Schedule
{
    public int StepsUp { get; init; } = 2000;

    /// <summary>Null: as many as up.</summary>
    public int? StepsDown { get; init; }

    public CycleShape Shape { get; init; } = CycleShape.Triangular;

    public double Gamma { get; init; } = 1;

    /// <summary>Whether the momentum is driven.</summary>
    public bool CycleMomentum { get; init; } = true;

    public double LowMomentum { get; init; } = 0.8;

    public double HighMomentum { get; init; } = 0.9;

    public override double Rate(int step, double baseRate) => LowRate + ((HighRate - LowRate) * Height(step));

    public override double? Momentum(int step) => CycleMomentum ? HighMomentum - ((HighMomentum - LowMomentum) * Height(step)) : null;

    private double Height(int step)
    {
        double length = StepsUp + (StepsDown ?? StepsUp);
        double peak = StepsUp / length;
        double cycle = Math.Floor(1 + (step / length));
        double x = 1 + (step / length) - cycle;
        double height = x <= peak ? x / peak : (x - 1) / (peak - 1);
        return height * Shape switch
        {
            CycleShape.Triangular => 1,
            CycleShape.Triangular2 => 1 / Math.Pow(2, cycle - 1),
            _ => Math.Pow(Gamma, step),
        };
    }
}

/// <summary>Climbs to one peak and falls far below the start (Smith and Topin, 2018; PyTorch's OneCycleLR). The momentum runs against the rate.</summary>
public sealed record OneCycleSchedule(double PeakRate, int Total) : Schedule
{
    /// <summary>The share of the steps that climb.</summary>
    public double ClimbShare { get; init; } = 0.3;

    /// <summary>False: straight lines instead of cosines.</summary>
    public bool Cosine { get; init; } = true;

    public bool CycleMomentum { get; init; } = true;

    public double LowMomentum { get; init; } = 0.85;

    public double HighMomentum { get; init; } = 0.95;

    /// <summary>The first rate is the peak divided by this.</summary>
    public double StartDivisor { get; init; } = 25;

    /// <summary>The last rate is the first divided by this.</summary>
    public double EndDivisor { get; init; } = 1e4;

    /// <summary>Falls back to the first rate in as many steps as it climbed, and only then to the last one.</summary>
    public bool ThreePhases { get; init; }

    public override double Rate(int step, double baseRate)
    {
        double start = PeakRate / StartDivisor;
        double end = start / EndDivisor;
        (int phase, double progress) = Phase(step);
        return phase switch
        {
            0 => Anneal(start, PeakRate, progress),
            1 when ThreePhases => Anneal(PeakRate, start, progress),
            1 => Anneal(PeakRate, end, progress),
            _ => Anneal(start, end, progress),
        };
    }

    public override double? Momentum(int step)
    {
        if (!CycleMomentum)
            return null;
        (int phase, double progress) = Phase(step);
        return phase switch
        {
            0 => Anneal(HighMomentum, LowMomentum, progress),
            1 => Anneal(LowMomentum, HighMomentum, progress),
            _ => HighMomentum,
        };
    }

    private (int Phase, double Progress) Phase(int step)
    {
        if (step >= Total)
            throw new ScheduleException($"step {step} is asked of a one-cycle schedule of {Total} steps");
        double[] ends = ThreePhases
            ? [(ClimbShare * Total) - 1, (2 * ClimbShare * Total) - 2, Total - 1]
            : [(ClimbShare * Total) - 1, Total - 1];
        double start = 0;
        for (int phase = 0; ; phase++)
        {
            if (step <= ends[phase] || phase == ends.Length - 1)
                return (phase, (step - start) / (ends[phase] - start));
            start = ends[phase];
        }
    }

    private double Anneal(double start, double end, double progress) =>
        Cosine ? end + ((start - end) / 2 * (Math.Cos(Math.PI * progress) + 1)) : ((end - start) * progress) + start;
}

/// <summary>Climbs for a share of the steps and falls for the rest, between base/ratio and base (Howard and Ruder, 2018, ULMFiT, equation 3).</summary>
public sealed record SlantedTriangular(int Total, double CutShare = 0.1, double Ratio = 32) : Schedule
{
    public override double Rate(int step, double baseRate)
    {
        double cut = Math.Floor(Total * CutShare);
        double p = step < cut ? step / cut : 1 - ((step - cut) / (cut * ((1 / CutShare) - 1)));
        return baseRate * (1 + (p * (Ratio - 1))) / Ratio;
    }
}

/// <summary>The relative step of Adafactor (Shazeer and Stern, 2018): min(10⁻² or 10⁻⁶·t, 1/√t) for t = k + 1, whatever the base rate is.</summary>
public sealed record AdafactorRelativeStep(bool WarmupInit = false) : Schedule
{
    public override double Rate(int step, double baseRate)
    {
        double t = step + 1;
        return Math.Min(WarmupInit ? 1e-6 * t : 1e-2, 1 / Math.Sqrt(t));
    }
}
