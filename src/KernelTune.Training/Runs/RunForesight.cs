using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Shapes;
using KernelTune.Methods;
using KernelTune.Training.Recipes;
using KernelTune.Training.Tasks;

namespace KernelTune.Training.Runs;

/// <summary>Memory plans of a run's recipe and of recipes near it, over the same data: the largest micro-batch that fits, and what else would make a run fit.</summary>
internal sealed class RunForesight(Device device, TrainingTask task, JsonSettings config, TaskData data, JsonSettings? adapter, IWeightSource? source)
{
    /// <summary>The plan of a recipe.</summary>
    /// <param name="recipe">It names the batch size, too.</param>
    /// <param name="shapes">Stands for the run's device.</param>
    /// <param name="recomputed">How many blocks are computed again.</param>
    public MemoryPlan Of(Recipe recipe, Device shapes, int recomputed)
    {
        int batchSize = recipe.Training.BatchSize;
        IBatch largest = data.Training.Batches(batchSize).Largest();
        return MemoryPlan.Of(recipe, config, shapes, [.. Enumerable.Repeat(largest, Math.Min(2, recipe.Training.GradientAccumulationSteps))],
            [.. new[] { data.Training.Validation, data.Test }.OfType<IEvaluationData>().Select(d => d.Largest(batchSize))], adapter, source, recomputed);
    }

    /// <summary>How many blocks a recipe computes again in the backward pass.</summary>
    /// <exception cref="RecipeException">Its budget cannot be met.</exception>
    public int Recomputed(Recipe recipe) => Recomputation.Count(recipe.Training.ActivationCheckpointing, () => task.Build(recipe, config), count =>
    {
        using var shapes = new ShapesDevice(device);
        return Of(recipe, shapes, count).PeakByCategory[(int)Category.Activations];
    });

    /// <summary>The largest power of two of examples a micro-batch, at most as many as there are, whose plan fits.</summary>
    /// <exception cref="MemoryPlanException">Not even one does.</exception>
    public int LargestBatch(Recipe recipe, long limit)
    {
        int best = 0;
        for (int size = 1; size <= Math.Max(1, data.Training.Count); size *= 2)
        {
            Recipe trial = WithBatch(recipe, size);
            if (Plan(trial) is { } plan && plan.Touched <= limit)
                best = size;
            else if (size == 1 && Plan(trial) is { } least)
                throw new MemoryPlanException(least, limit, Changes(trial, limit));
            else
                break;
        }
        return Math.Max(1, best);
    }

    /// <summary>What less memory could be had by, each change alone, and all together: as overrides of the recipe, with the plan's bytes. The least last.</summary>
    public IReadOnlyList<MemoryChange> Changes(Recipe recipe, long limit)
    {
        var changes = new List<(string Settings, Func<Recipe, Recipe> Of)>();
        TrainingSettings training = recipe.Training;
        if (training.BatchSize > 1)
            changes.Add(("training.batch_size=1", r => WithBatch(r, 1)));
        if (training.ActivationCheckpointing.IsNone)
            changes.Add(("training.activation_checkpointing=blocks", r => r with { Training = r.Training with { ActivationCheckpointing = new ActivationCheckpointing(true) } }));
        if (recipe.Quantization is null && recipe.Method != MethodKind.Full)
            changes.Add(("quantization.type=nf4", r => r with { Quantization = new QuantizationSettings(BaseStorageKind.Nf4) }));
        if (recipe.Optimizer.Type is OptimizerKind.AdamW)
            changes.Add(("optimizer.type=adamw8bit", r => r with { Optimizer = r.Optimizer with { Type = OptimizerKind.AdamW8Bit } }));
        if (!training.ReleasesGradients)
            changes.Add(("training.max_grad_norm=none training.gradient_accumulation_steps=1", r => r with { Training = r.Training with { MaxGradNorm = null, GradientAccumulationSteps = 1 } }));

        var result = new List<MemoryChange>();
        foreach (var (settings, of) in changes)
            if (Plan(of(recipe)) is { } plan)
                result.Add(new MemoryChange(settings, plan.Touched, plan.Touched <= limit));
        if (result.Count > 1 && Plan(changes.Where(c => result.Any(r => r.Settings == c.Settings)).Aggregate(recipe, (r, c) => c.Of(r))) is { } all)
            result.Add(new MemoryChange("all of them", all.Touched, all.Touched <= limit));
        return [.. result.OrderByDescending(r => r.Bytes)];
    }

    private static Recipe WithBatch(Recipe recipe, int size) => recipe with { Training = recipe.Training with { BatchSize = size, IsBatchSizeAuto = false } };

    // Null: this recipe cannot be built for this model, or its budget of activations cannot be met.
    private MemoryPlan? Plan(Recipe recipe)
    {
        try
        {
            RecipeRules.Check(recipe);
            using var shapes = new ShapesDevice(device);
            return Of(recipe, shapes, Recomputed(recipe));
        }
        catch (Exception e) when (e is RecipeException or MethodException or CheckpointException)
        {
            return null;
        }
    }
}

/// <summary>A change of a recipe, and the memory that the run would then need.</summary>
/// <param name="Settings">Overrides as the command line takes them: "training.batch_size=1".</param>
/// <param name="Bytes">The plan's bytes.</param>
/// <param name="Fits">Whether that is within the limit.</param>
public sealed record MemoryChange(string Settings, long Bytes, bool Fits);
