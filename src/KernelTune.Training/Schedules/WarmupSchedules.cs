namespace KernelTune.Training.Schedules;

/// <summary>The base rate at every step.</summary>
public sealed record ConstantSchedule : Schedule
{
    public override double Rate(int step, double baseRate) => baseRate;
}

/// <summary>A schedule that climbs linearly from 0 over its warm-up (step 0 has rate 0) and then follows a formula (Transformers' get_scheduler).</summary>
/// <param name="Warmup">The number of steps of the warm-up.</param>
public abstract record WarmupSchedule(int Warmup) : Schedule
{
    public sealed override double Rate(int step, double baseRate) =>
        baseRate * (step < Warmup ? step / (double)Math.Max(1, Warmup) : Factor(step, baseRate));

    /// <summary>What the base rate is multiplied by after the warm-up.</summary>
    protected abstract double Factor(int step, double baseRate);

    /// <summary>The share of the steps after the warm-up that lies behind <paramref name="step"/>.</summary>
    protected double Progress(int step, int total) => (step - Warmup) / (double)Math.Max(1, total - Warmup);
}

/// <summary>1 after the warm-up.</summary>
public sealed record ConstantWithWarmup(int Warmup) : WarmupSchedule(Warmup)
{
    protected override double Factor(int step, double baseRate) => 1;
}

/// <summary>Falls linearly to 0 at <paramref name="Total"/> steps and stays there.</summary>
public sealed record LinearSchedule(int Warmup, int Total) : WarmupSchedule(Warmup)
{
    protected override double Factor(int step, double baseRate) => Math.Max(0, (Total - step) / (double)Math.Max(1, Total - Warmup));
}

/// <summary>max(0, ½(1 + cos(2π·cycles·progress))·(1 − floor) + floor): half a wave unless <paramref name="Cycles"/> says otherwise.</summary>
/// <param name="Warmup">The number of steps of the warm-up.</param>
/// <param name="Total">The number of all steps.</param>
/// <param name="Cycles">The number of waves.</param>
/// <param name="Floor">The lowest rate, as a share of the base rate.</param>
/// <param name="FloorRate">The lowest rate itself; wins over <paramref name="Floor"/>.</param>
public sealed record CosineSchedule(int Warmup, int Total, double Cycles = 0.5, double Floor = 0, double? FloorRate = null) : WarmupSchedule(Warmup)
{
    protected override double Factor(int step, double baseRate)
    {
        double floor = FloorRate is { } rate ? rate / baseRate : Floor;
        double wave = 0.5 * (1 + Math.Cos(Math.PI * Cycles * 2 * Progress(step, Total)));
        return Math.Max(0, (wave * (1 - floor)) + floor);
    }
}

/// <summary>½(1 + cos(π·(cycles·progress mod 1))): falls to 0 and jumps back, <paramref name="Cycles"/> times.</summary>
public sealed record CosineWithRestarts(int Warmup, int Total, double Cycles = 1) : WarmupSchedule(Warmup)
{
    protected override double Factor(int step, double baseRate)
    {
        double progress = Progress(step, Total);
        return progress >= 1 ? 0 : Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * (Cycles * progress % 1))));
    }
}

/// <summary>(base − end)·(1 − progress)^power + end.</summary>
public sealed record PolynomialSchedule(int Warmup, int Total, double Power = 1, double EndRate = 1e-7) : WarmupSchedule(Warmup)
{
    protected override double Factor(int step, double baseRate)
    {
        if (!(baseRate > EndRate))
            throw new ScheduleException(FormattableString.Invariant($"lr_end is {EndRate}, wanted less than the learning rate {baseRate}"));
        double rate = step > Total ? EndRate : ((baseRate - EndRate) * Math.Pow(1 - ((step - Warmup) / (double)(Total - Warmup)), Power)) + EndRate;
        return rate / baseRate;
    }
}

/// <summary>1/√((step + timescale − warm-up)/timescale).</summary>
/// <param name="Warmup">The number of steps of the warm-up.</param>
/// <param name="Timescale">How slowly it falls; null: the warm-up, or 10,000 without one.</param>
public sealed record InverseSqrtSchedule(int Warmup, int? Timescale = null) : WarmupSchedule(Warmup)
{
    protected override double Factor(int step, double baseRate)
    {
        double scale = Timescale ?? (Warmup > 0 ? Warmup : 10_000);
        return 1 / Math.Sqrt((step + scale - Warmup) / scale);
    }
}

/// <summary>Cosine to a floor whose warm-up begins above 0: Transformers' cosine_warmup_with_min_lr.</summary>
/// <remarks>It counts positions differently: the warm-up ends at its last step, and the decay is one step ahead.</remarks>
/// <param name="Warmup">The number of steps of the warm-up.</param>
/// <param name="Total">The number of all steps.</param>
/// <param name="Floor">The lowest rate, as a share of the base rate.</param>
/// <param name="FloorRate">The lowest rate itself; wins over <paramref name="Floor"/>.</param>
/// <param name="WarmupStart">The first step's rate as a share of the base rate; null: 1/warm-up.</param>
/// <param name="Cycles">The number of waves.</param>
public sealed record CosineWarmupWithFloor(int Warmup, int Total, double Floor = 0, double? FloorRate = null, double? WarmupStart = null, double Cycles = 0.5) : Schedule
{
    public override double Rate(int step, double baseRate)
    {
        if (step < Warmup)
        {
            return baseRate * (WarmupStart is { } start
                ? start + ((1 - start) * step / Math.Max(1, Warmup - 1))
                : (step + 1) / (double)Math.Max(1, Warmup));
        }

        double floor = FloorRate is { } rate ? rate / baseRate : Floor;
        double progress = (step - Warmup + 1) / (double)Math.Max(1, Total - Warmup);
        double wave = 0.5 * (1 + Math.Cos(Math.PI * Cycles * 2 * progress));
        return baseRate * Math.Max(0, (wave * (1 - floor)) + floor);
    }
}

/// <summary>How a rate climbs or falls between two levels.</summary>
public enum RampKind
{
    Linear,
    Cosine,

    /// <summary>1 − √: steep at the start of a decay, at the end of a warm-up.</summary>
    OneMinusSqrt,
}

/// <summary>Climbs, stays, falls: Transformers' warmup_stable_decay (Hu et al., 2024, MiniCPM).</summary>
public sealed record WarmupStableDecay(int Warmup, int Stable, int Decay) : Schedule
{
    public RampKind WarmupKind { get; init; } = RampKind.Linear;

    public RampKind DecayKind { get; init; } = RampKind.Cosine;

    /// <summary>The lowest rate, before and after, as a share of the base rate.</summary>
    public double Floor { get; init; }

    /// <summary>The number of waves of a cosine decay.</summary>
    public double Cycles { get; init; } = 0.5;

    public override double Rate(int step, double baseRate)
    {
        if (step < Warmup)
            return baseRate * Above(Climb(step / (double)Math.Max(1, Warmup)));
        if (step < Warmup + Stable)
            return baseRate;
        return step < Warmup + Stable + Decay
            ? baseRate * Above(Fall((step - Warmup - Stable) / (double)Math.Max(1, Decay)))
            : baseRate * Floor;
    }

    private double Above(double factor) => Math.Max(0, (factor * (1 - Floor)) + Floor);

    private double Climb(double progress) => WarmupKind switch
    {
        RampKind.Linear => progress,
        RampKind.Cosine => 0.5 * (1 - Math.Cos(Math.PI * progress)),
        _ => 1 - Math.Sqrt(1 - progress),
    };

    private double Fall(double progress) => DecayKind switch
    {
        RampKind.Linear => 1 - progress,
        RampKind.Cosine => 0.5 * (1 + Math.Cos(Math.PI * Cycles * 2 * progress)),
        _ => 1 - Math.Sqrt(progress),
    };
}
