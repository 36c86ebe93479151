using System.Text.Json;
using KernelTune.Training.Schedules;

namespace KernelTune.Conformance.Families;

/// <summary>Makes the schedule that a case names, from the arguments that Transformers or PyTorch got.</summary>
internal static class GoldenSchedules
{
    /// <exception cref="NotSupportedException">The kind or an argument is unknown; the message names it.</exception>
    public static Schedule Make(string by, string kind, JsonElement parameters, int steps)
    {
        var a = new Arguments(kind, parameters);
        Schedule schedule = by switch
        {
            "transformers" => Transformers(kind, a),
            "torch" => Torch(kind, a, parameters),
            "slanted_triangular" => new SlantedTriangular(steps, a.Number("cut_frac", 0.1), a.Number("ratio", 32)),
            "adafactor_relative" => new AdafactorRelativeStep(a.Flag("warmup_init", false)),
            _ => throw new NotSupportedException($"schedules made by {by}"),
        };
        a.CheckAllRead();
        return schedule;
    }

    /// <summary>The schedule that follows a metric.</summary>
    public static PlateauSchedule Plateau(JsonElement parameters, double rate)
    {
        var a = new Arguments("ReduceLROnPlateau", parameters);
        var schedule = new PlateauSchedule(rate, a.Word("mode", "min") == "max")
        {
            Factor = a.Number("factor", 0.1),
            Patience = a.Integer("patience", 10),
            Threshold = a.Number("threshold", 1e-4),
            AbsoluteThreshold = a.Word("threshold_mode", "rel") == "abs",
            Cooldown = a.Integer("cooldown", 0),
            MinRate = a.Number("min_lr", 0),
            Epsilon = a.Number("eps", 1e-8),
        };
        a.CheckAllRead();
        return schedule;
    }

    private static Schedule Transformers(string kind, Arguments a)
    {
        int warmup = a.Integer("num_warmup_steps", 0);
        int? total = a.MaybeInteger("num_training_steps");
        if (a.Nested("scheduler_specific_kwargs") is not { } own)
            own = new Arguments(kind, default);
        var settings = new ScheduleSettings
        {
            Type = kind,
            WarmupSteps = warmup,
            NumCycles = own.MaybeNumber("num_cycles"),
            MinRate = own.MaybeNumber("min_lr"),
            MinRateRatio = own.MaybeNumber("min_lr_rate") ?? own.MaybeNumber("min_lr_ratio"),
            WarmupRateRatio = own.MaybeNumber("warmup_lr_rate"),
            Power = own.Number("power", 1),
            EndRate = own.Number("lr_end", 1e-7),
            Timescale = own.MaybeInteger("timescale"),
            StableSteps = own.MaybeInteger("num_stable_steps"),
            DecaySteps = own.MaybeInteger("num_decay_steps"),
            WarmupKind = Ramp(own.Word("warmup_type", "linear")),
            DecayKind = Ramp(own.Word("decay_type", "cosine")),
        };
        own.CheckAllRead();
        if (!ScheduleSettings.Types.Contains(kind))
            throw new NotSupportedException($"the schedule {kind}");
        return settings.Create(total ?? 0);
    }

    private static Schedule Torch(string kind, Arguments a, JsonElement parameters) => kind switch
    {
        "ExponentialLR" => new ExponentialDecay(a.Number("gamma")),
        "StepLR" => new StepDecay(a.Integer("step_size"), a.Number("gamma", 0.1)),
        "MultiStepLR" => new MultiStepDecay(a.Integers("milestones"), a.Number("gamma", 0.1)),
        "ConstantLR" => new ConstantFactor(a.Number("factor", 1.0 / 3), a.Integer("total_iters", 5)),
        "LinearLR" => new LinearFactor(a.Number("start_factor", 1.0 / 3), a.Number("end_factor", 1), a.Integer("total_iters", 5)),
        "PolynomialLR" => new PolynomialFactor(a.Integer("total_iters", 5), a.Number("power", 1)),
        "CosineAnnealingLR" => new CosineAnnealing(a.Integer("T_max"), a.Number("eta_min", 0)),
        "CosineAnnealingWarmRestarts" => new CosineAnnealingWarmRestarts(a.Integer("T_0"), a.Integer("T_mult", 1), a.Number("eta_min", 0)),
        "CyclicLR" => Cyclic(a),
        "OneCycleLR" => OneCycle(a),
        "SequentialLR" => new SequentialSchedule([.. a.Parts("schedulers", parameters)], a.Integers("milestones")),
        "ChainedScheduler" => new ChainedSchedule([.. a.Parts("schedulers", parameters).Select(s =>
            s as FactorSchedule ?? throw new NotSupportedException($"chaining {s.GetType().Name}, which does not multiply the rate"))]),
        _ => throw new NotSupportedException($"the schedule {kind}"),
    };

    private static CyclicSchedule Cyclic(Arguments a) => new(a.Number("base_lr"), a.Number("max_lr"))
    {
        StepsUp = a.Integer("step_size_up", 2000),
        StepsDown = a.MaybeInteger("step_size_down"),
        Gamma = a.Number("gamma", 1),
        CycleMomentum = a.Flag("cycle_momentum", true),
        LowMomentum = a.Number("base_momentum", 0.8),
        HighMomentum = a.Number("max_momentum", 0.9),
        Shape = a.Word("mode", "triangular") switch
        {
            "triangular" => CycleShape.Triangular,
            "triangular2" => CycleShape.Triangular2,
            "exp_range" => CycleShape.ExponentialRange,
            var other => throw new NotSupportedException($"CyclicLR: mode {other}"),
        },
    };

    private static OneCycleSchedule OneCycle(Arguments a)
    {
        int total = a.MaybeInteger("total_steps") ?? a.Integer("epochs") * a.Integer("steps_per_epoch");
        return new OneCycleSchedule(a.Number("max_lr"), total)
        {
            ClimbShare = a.Number("pct_start", 0.3),
            Cosine = a.Word("anneal_strategy", "cos") == "cos",
            CycleMomentum = a.Flag("cycle_momentum", true),
            LowMomentum = a.Number("base_momentum", 0.85),
            HighMomentum = a.Number("max_momentum", 0.95),
            StartDivisor = a.Number("div_factor", 25),
            EndDivisor = a.Number("final_div_factor", 1e4),
            ThreePhases = a.Flag("three_phase", false),
        };
    }

    private static RampKind Ramp(string word) => word switch
    {
        "linear" => RampKind.Linear,
        "cosine" => RampKind.Cosine,
        "1-sqrt" => RampKind.OneMinusSqrt,
        _ => throw new NotSupportedException($"the ramp {word}"),
    };

    /// <summary>Arguments by name; what has not been asked for is reported, so that no setting is passed over.</summary>
    private sealed class Arguments(string kind, JsonElement json)
    {
        private readonly HashSet<string> read = new(StringComparer.Ordinal);

        public double Number(string key, double? absent = null) => MaybeNumber(key) ?? absent ?? throw Missing(key);

        public double? MaybeNumber(string key) => Find(key)?.GetDouble();

        public int Integer(string key, int? absent = null) => MaybeInteger(key) ?? absent ?? throw Missing(key);

        public int? MaybeInteger(string key) => Find(key)?.GetInt32();

        public bool Flag(string key, bool absent) => Find(key)?.GetBoolean() ?? absent;

        public string Word(string key, string absent) => Find(key)?.GetString() ?? absent;

        public int[] Integers(string key) => Find(key) is { } e ? [.. e.EnumerateArray().Select(i => i.GetInt32())] : throw Missing(key);

        public Arguments? Nested(string key) => Find(key) is { } e ? new Arguments(kind, e) : null;

        public IEnumerable<Schedule> Parts(string key, JsonElement parameters)
        {
            read.Add(key);
            return parameters.GetProperty(key).EnumerateArray().Select(part => Make("torch", part[0].GetString()!, part[1], 0));
        }

        public void CheckAllRead()
        {
            if (json.ValueKind != JsonValueKind.Object)
                return;
            foreach (JsonProperty p in json.EnumerateObject())
                if (!read.Contains(p.Name))
                    throw new NotSupportedException($"{kind}: the argument {p.Name}");
        }

        private JsonElement? Find(string key)
        {
            read.Add(key);
            return json.ValueKind == JsonValueKind.Object && json.TryGetProperty(key, out JsonElement e) && e.ValueKind != JsonValueKind.Null ? e : null;
        }

        private InvalidDataException Missing(string key) => new($"{kind}: the case lacks the argument {key}");
    }
}
