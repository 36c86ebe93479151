using System.Text.Json;
using KernelTune.Training.Optimizers.ParameterGroups;
using KernelTune.Training.Recipes;
using KernelTune.Training.Schedules;

namespace KernelTune.Conformance.Checks;

/// <summary>How a case trained: the optimizer with its groups, clipping, schedule and accumulation.</summary>
public sealed record GoldenTraining
{
    public required int Steps { get; init; }

    public required IReadOnlyList<ParameterGroup> Groups { get; init; }

    /// <summary>Rate and weight decay are the groups'.</summary>
    public required OptimizerSettings Optimizer { get; init; }

    /// <summary>The global norm that gradients are clipped to; null: not clipped.</summary>
    public double? ClipNorm { get; init; }

    public Schedule Schedule { get; init; } = new ConstantSchedule();

    /// <summary>How many micro-batches make a step.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>Whether the losses of a step are summed and divided by all its labels; false: the mean of the micro-batches' means.</summary>
    public bool NormaliseByTokens { get; init; } = true;

    /// <summary>Reads <c>training</c> of an adapter case.</summary>
    /// <exception cref="NotSupportedException">A setting that is not built; the message names it.</exception>
    public static GoldenTraining OfAdapter(JsonElement training)
    {
        RefuseOthers(training, "training", "steps", "optimizer", "clip_grad_norm", "schedule");
        JsonElement optimizer = training.GetProperty("optimizer");
        RefuseOthers(optimizer, "optimizer", "name", "lr", "betas", "eps", "weight_decay", "decay", "no_decay", "groups", "loraplus_lr_ratio", "loraplus_weight_decay", "loraplus_lr_embedding");
        double rate = optimizer.GetProperty("lr").GetDouble();
        IReadOnlyList<ParameterGroup> groups = optimizer.TryGetProperty("groups", out JsonElement own)
            ? [.. own.EnumerateArray().Select((g, i) => new ParameterGroup(FormattableString.Invariant($"group {i}"), g.GetProperty("lr").GetDouble(), g.GetProperty("weight_decay").GetDouble(), Names(g.GetProperty("tensors"))))]
            :
            [
                new("decay", rate, optimizer.GetProperty("weight_decay").GetDouble(), Names(optimizer.GetProperty("decay"))),
                new("no_decay", rate, 0, Names(optimizer.GetProperty("no_decay"))),
            ];
        return new GoldenTraining
        {
            Optimizer = GoldenOptimizer.Of(optimizer),
            Steps = training.GetProperty("steps").GetInt32(),
            Groups = groups,
            ClipNorm = training.TryGetProperty("clip_grad_norm", out JsonElement clip) && clip.ValueKind == JsonValueKind.Number ? clip.GetDouble() : null,
            Schedule = ScheduleOf(training),
        };
    }

    /// <summary>Reads <c>settings</c> of a case of training/ and the groups of its optimizer.json.</summary>
    /// <exception cref="NotSupportedException">A setting that is not built; the message names it.</exception>
    public static GoldenTraining OfTraining(JsonElement settings, JsonElement optimizers)
    {
        RefuseOthers(settings, "settings", "steps", "seed", "batch", "length", "base", "config", "optimizer", "groups", "schedule", "clip_norm", "accumulate", "normalise", "objective");
        if (settings.TryGetProperty("objective", out JsonElement objective) && (objective.GetProperty("name").GetString() != "cross_entropy" || objective.EnumerateObject().Count() > 1))
            throw new NotSupportedException($"objective {OneLine(objective)}");
        JsonElement optimizer = settings.GetProperty("optimizer");
        OptimizerSettings how = GoldenOptimizer.Of(optimizer);
        RefuseOthers(optimizer, "optimizer", "name", "lr", "betas", "eps", "weight_decay", "momentum", "dampening", "nesterov", "min_8bit_size");
        string rule = settings.TryGetProperty("groups", out JsonElement groups) ? groups.GetProperty("rule").GetString()! : "all";
        if (rule is not ("all" or "hf_no_decay"))
            throw new NotSupportedException($"groups by the rule {rule}");

        // optimizer.json holds the rates as they stand at the end; the rate at the start is the setting's.
        double rate = optimizer.GetProperty("lr").GetDouble();
        return new GoldenTraining
        {
            Optimizer = how,
            Steps = settings.GetProperty("steps").GetInt32(),
            Groups = [.. optimizers[0].GetProperty("param_groups").EnumerateArray().Select((g, i) =>
                new ParameterGroup(FormattableString.Invariant($"group {i}"), rate, g.GetProperty("weight_decay").GetDouble(), Names(g.GetProperty("params"))))],
            ClipNorm = settings.TryGetProperty("clip_norm", out JsonElement clip) && clip.ValueKind == JsonValueKind.Number ? clip.GetDouble() : null,
            Schedule = ScheduleOf(settings),
            Accumulate = settings.TryGetProperty("accumulate", out JsonElement count) ? count.GetInt32() : 1,
            NormaliseByTokens = !settings.TryGetProperty("normalise", out JsonElement by) || by.GetString() switch
            {
                "tokens" => true,
                "means" => false,
                var other => throw new NotSupportedException($"normalise {other}"),
            },
        };
    }

    private static Schedule ScheduleOf(JsonElement from)
    {
        if (!from.TryGetProperty("schedule", out JsonElement schedule) || schedule.ValueKind == JsonValueKind.Null)
            return new ConstantSchedule();
        RefuseOthers(schedule, "schedule", "name", "warmup_steps", "total_steps");
        var settings = new ScheduleSettings
        {
            Type = schedule.GetProperty("name").GetString()!,
            WarmupSteps = schedule.TryGetProperty("warmup_steps", out JsonElement warmup) ? warmup.GetInt32() : 0,
        };
        return settings.Create(schedule.TryGetProperty("total_steps", out JsonElement total) ? total.GetInt32() : 0);
    }

    private static void RefuseOthers(JsonElement json, string what, params string[] known)
    {
        foreach (JsonProperty p in json.EnumerateObject())
            if (!known.Contains(p.Name) && p.Value.ValueKind is not (JsonValueKind.Null or JsonValueKind.False))
                throw new NotSupportedException($"{what}: {p.Name} = {OneLine(p.Value)}");
    }

    private static string OneLine(JsonElement json) => string.Join(' ', json.GetRawText().Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));

    private static string[] Names(JsonElement e) => [.. e.EnumerateArray().Select(n => n.GetString()!)];
}

/// <summary>A run's curve and where it ended.</summary>
/// <param name="Losses">The loss of every step, before its update.</param>
/// <param name="GradientNorms">The global norm of every step's gradients, before clipping.</param>
/// <param name="Rates">The rates of every step, one a group.</param>
/// <param name="Final">The parameters after the last step, by their names in the case's files.</param>
public sealed record ComputedTrajectory(
    IReadOnlyList<double> Losses, IReadOnlyList<double> GradientNorms, IReadOnlyList<double[]> Rates, IReadOnlyDictionary<string, ComputedTensor> Final);
