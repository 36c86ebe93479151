using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Devices.Memory;
using KernelTune.Training.Recipes;

namespace KernelTune.Training.Runs;

/// <summary>The memory that a run will need, found by running its largest step on <c>Shapes</c>: the same calls, the same pool, no numbers.</summary>
/// <param name="PeakByCategory">Bytes by <see cref="Category"/> at the moment of the peak.</param>
/// <param name="Peak">The greatest sum.</param>
/// <param name="Touched">Bytes of the pool's segments that can be resident: the peak with the pool's gaps.</param>
/// <param name="Trainable">Elements that train.</param>
/// <param name="Total">Elements in all.</param>
/// <param name="Method">The method in words.</param>
public sealed record MemoryPlan(IReadOnlyList<long> PeakByCategory, long Peak, long Touched, long Trainable, long Total, string Method)
{
    /// <summary>Runs loading, the largest batch of each evaluation and two steps of the largest micro-batches.</summary>
    public static MemoryPlan Of(Recipe recipe, JsonSettings config, Device shapes, IReadOnlyList<IBatch> largest, IReadOnlyList<IBatch> evaluations, JsonSettings? adapter = null, IWeightSource? source = null, int? recomputed = null)
    {
        using var model = new TrainableModel(recipe, config, shapes, adapter, source: source, recomputed: recomputed);
        foreach (var parameter in model.Model.Root.AllParameters())
        {
            if (parameter.KeepsBlocks(shapes))
                parameter.LoadBlocks(shapes, static (_, _, _) => { });
            else
                parameter.Load(shapes, static (_, _, _) => { });
        }
        Evaluator.Judge(model.Task, model.Model, model.Session, evaluations);
        var rates = new double[model.Optimizer.Groups.Count];
        model.Step.Run(0, largest, rates);
        model.Step.Run(1, largest, rates);
        return new MemoryPlan(shapes.Ledger.AtPeak(), shapes.Ledger.Peak, shapes.Touched, model.TrainableElements, model.TotalElements, model.Method.Description);
    }
}

/// <summary>A run would need more memory than its recipe allows: refused before step 1.</summary>
public sealed class MemoryPlanException(MemoryPlan plan, long limit, IReadOnlyList<MemoryChange> changes) : OutOfMemoryException(FormattableString.Invariant(
    $"the run needs {plan.Touched / MiB:0.00} MiB and memory_limit is {limit / MiB:0.00} MiB: {Advice(changes)}"))
{
    private const double MiB = 1 << 20;

    public MemoryPlan Plan { get; } = plan;

    public long Limit { get; } = limit;

    /// <summary>What would take less, and how much it would take: the least last.</summary>
    public IReadOnlyList<MemoryChange> Changes { get; } = changes;

    // The mildest change that is enough, else the least that there is.
    private static string Advice(IReadOnlyList<MemoryChange> changes) =>
        changes.FirstOrDefault(c => c.Fits) is { } enough ? FormattableString.Invariant($"{enough.Settings} needs {enough.Bytes / MiB:0.00} MiB")
        : changes is [.., var least] ? FormattableString.Invariant($"{least.Settings} still needs {least.Bytes / MiB:0.00} MiB; a smaller data.max_length needs less")
        : "a smaller data.max_length needs less";
}
