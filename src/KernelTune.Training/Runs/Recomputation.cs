using KernelTune.Checkpoints;
using KernelTune.Devices.Memory;
using KernelTune.Models;
using KernelTune.Modules;
using KernelTune.Training.Recipes;

namespace KernelTune.Training.Runs;

/// <summary>Which parts of a model are computed again in the backward pass: the residual sublayers, from the first on.</summary>
public static class Recomputation
{
    /// <summary>Every part that can be: two a layer of a transformer.</summary>
    public static IReadOnlyList<Sublayer> Blocks(IPretrainedModel model) => [.. model.Root.Tree().OfType<Sublayer>()];

    /// <summary>Marks the first <paramref name="count"/> blocks.</summary>
    public static void Mark(IPretrainedModel model, int count)
    {
        foreach (var block in Blocks(model).Take(count))
            block.Recomputes = true;
    }

    /// <summary>How many blocks a recipe recomputes.</summary>
    /// <param name="setting">The recipe's.</param>
    /// <param name="build">Builds the model, unloaded; asked only where something is recomputed.</param>
    /// <param name="activations">The bytes of activations at the peak with so many blocks recomputed; asked only where there is a budget.</param>
    /// <exception cref="RecipeException">The model has no such blocks, or the budget is not met with all of them.</exception>
    public static int Count(ActivationCheckpointing setting, Func<IPretrainedModel> build, Func<int, long> activations)
    {
        if (setting.IsNone)
            return 0;
        var model = build();
        int all = Blocks(model).Count;
        if (all == 0)
            throw new RecipeException(null, "training.activation_checkpointing", $"{model.Architecture} has no residual blocks that can be computed again; none wanted");
        if (setting.Budget is not { } budget)
            return all;
        int low = 0, high = all;
        long least = activations(all);
        if (least > budget)
            throw new RecipeException(null, "training.activation_checkpointing",
                FormattableString.Invariant($"found a budget of {budget} bytes; with all {all} blocks computed again the activations still take {least}: a smaller training.batch_size or data.max_length needs less"));
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (activations(middle) <= budget)
                high = middle;
            else
                low = middle + 1;
        }
        return high;
    }
}
