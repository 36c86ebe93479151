namespace KernelTune.Training.Schedules;

/// <summary>A schedule as a recipe names it; the number of steps is known only when the data is.</summary>
public sealed record ScheduleSettings
{
    /// <summary>The names that <see cref="Type"/> may have: Transformers' own.</summary>
    public static IReadOnlyList<string> Types { get; } =
    [
        "constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts", "cosine_with_min_lr", "cosine_warmup_with_min_lr", "polynomial",
        "inverse_sqrt", "warmup_stable_decay",
    ];

    public string Type { get; init; } = "linear";

    /// <summary>Wins over <see cref="WarmupRatio"/> if it is above 0.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>The share of all steps that warm up, rounded up.</summary>
    public double WarmupRatio { get; init; }

    /// <summary>Waves of the cosine kinds; null: half a wave, or one restart.</summary>
    public double? NumCycles { get; init; }

    public double? MinRate { get; init; }

    /// <summary>The lowest rate as a share of the base rate.</summary>
    public double? MinRateRatio { get; init; }

    /// <summary>The first step's rate of cosine_warmup_with_min_lr as a share of the base rate.</summary>
    public double? WarmupRateRatio { get; init; }

    public double Power { get; init; } = 1;

    public double EndRate { get; init; } = 1e-7;

    public int? Timescale { get; init; }

    /// <summary>Steps of warmup_stable_decay at the full rate; null: what warm-up and decay leave.</summary>
    public int? StableSteps { get; init; }

    /// <summary>Steps of warmup_stable_decay that fall.</summary>
    public int? DecaySteps { get; init; }

    public RampKind WarmupKind { get; init; } = RampKind.Linear;

    public RampKind DecayKind { get; init; } = RampKind.Cosine;

    /// <summary>The schedule of a run of <paramref name="totalSteps"/> steps. "constant" with a warm-up is constant_with_warmup.</summary>
    /// <exception cref="ScheduleException">The type is unknown, or it lacks a setting.</exception>
    public Schedule Create(int totalSteps)
    {
        int warmup = Schedule.WarmupSteps(WarmupSteps, WarmupRatio, totalSteps);
        return Type switch
        {
            "constant" => warmup > 0 ? new ConstantWithWarmup(warmup) : new ConstantSchedule(),
            "constant_with_warmup" => new ConstantWithWarmup(warmup),
            "linear" => new LinearSchedule(warmup, totalSteps),
            "cosine" => new CosineSchedule(warmup, totalSteps, NumCycles ?? 0.5),
            "cosine_with_restarts" => new CosineWithRestarts(warmup, totalSteps, NumCycles ?? 1),
            "cosine_with_min_lr" => WithFloor(new CosineSchedule(warmup, totalSteps, NumCycles ?? 0.5, MinRateRatio ?? 0, MinRate)),
            "cosine_warmup_with_min_lr" =>
                WithFloor(new CosineWarmupWithFloor(warmup, totalSteps, MinRateRatio ?? 0, MinRate, WarmupRateRatio, NumCycles ?? 0.5)),
            "polynomial" => new PolynomialSchedule(warmup, totalSteps, Power, EndRate),
            "inverse_sqrt" => new InverseSqrtSchedule(warmup, Timescale),
            "warmup_stable_decay" => StableDecay(warmup, totalSteps),
            _ => throw new ScheduleException($"schedule type '{Type}' is unknown, wanted one of {string.Join(", ", Types)}"),
        };
    }

    private Schedule WithFloor(Schedule schedule)
    {
        if (MinRate is null == MinRateRatio is null)
            throw new ScheduleException($"{Type} wants exactly one of min_lr and min_lr_rate");
        return schedule;
    }

    private WarmupStableDecay StableDecay(int warmup, int totalSteps)
    {
        int decay = DecaySteps ?? throw new ScheduleException("warmup_stable_decay wants num_decay_steps");
        return new WarmupStableDecay(warmup, StableSteps ?? (totalSteps - warmup - decay), decay)
        {
            WarmupKind = WarmupKind,
            DecayKind = DecayKind,
            Floor = MinRateRatio ?? 0,
            Cycles = NumCycles ?? 0.5,
        };
    }
}
