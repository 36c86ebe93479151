using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Memory;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Modules;
using KernelTune.Training.Optimizers;
using KernelTune.Training.Optimizers.ParameterGroups;
using KernelTune.Training.Recipes;
using KernelTune.Training.Tasks;

namespace KernelTune.Training.Runs;

/// <summary>
/// A model with the recipe's method on it, on one device: what trains lies in one arena, gradients and moments in others. Built the same way on the run's device and on <c>Shapes</c>.
/// </summary>
public sealed class TrainableModel : IDisposable
{
    private readonly Block arena;

    /// <param name="recipe">Names the task, the method and the optimizer.</param>
    /// <param name="config">config.json.</param>
    /// <param name="device">Where it lies.</param>
    /// <param name="adapter">adapter_config.json of an adapter to start from; null: a fresh one, as the recipe says.</param>
    /// <param name="note">Told what a user should know.</param>
    /// <param name="recomputed">How many blocks are computed again in the backward pass; null: all or none, as the recipe says.</param>
    /// <param name="source">The base's weights: how they are stored may decide how they are kept; null: it is drawn at random.</param>
    /// <exception cref="RecipeException">A new head would not train.</exception>
    public TrainableModel(Recipe recipe, JsonSettings config, Device device, JsonSettings? adapter = null, Action<string>? note = null, IWeightSource? source = null, int? recomputed = null)
    {
        (Recipe, Device) = (recipe, device);
        Task = TrainingTask.Of(recipe.Task);
        Model = Task.Build(recipe, RecipeMethod.Amend(recipe, config, adapter));
        Method = RecipeMethod.Attach(recipe, Model, adapter, note);
        if (Task.FreshParameters(recipe, Model).FirstOrDefault(p => !p.Trainable) is { } frozen)
            throw new RecipeException(null, "head", $"{frozen.Path} would stay as it was drawn: {(recipe.Adapter is { } from ? $"the adapter of {from}" : Method.Description)} does not train it (modules_to_save)");
        Recomputation.Mark(Model, recomputed ?? Recomputation.Count(recipe.Training.ActivationCheckpointing, () => Model, _ => throw new ArgumentException("a budget of activations wants the number of blocks", nameof(recomputed))));
        BaseStorage.Mark(Model, recipe.Quantization, source);
        Parameter[] trainable = [.. Method.Trainable];
        var places = new View[trainable.Length];
        Arena.Lay(device, trainable, Method.IsAdapter ? Category.Adapters : Category.Weights, out arena, places);
        for (int i = 0; i < trainable.Length; i++)
            trainable[i].Place(places[i]);
        Gradients = new GradientStore(device, trainable, recipe.Training.ReleasesGradients);
        Session = new Session(device, Gradients) { Seed = (ulong)recipe.Training.Seed };
        Optimizer = new Optimizer(Gradients, Groups(trainable), recipe.Optimizer, recipe.Training.MaxGradNorm ?? 0);
        Step = new TrainingStep(Task, Model, Session, Optimizer);
    }

    public Recipe Recipe { get; }

    public Device Device { get; }

    public TrainingTask Task { get; }

    public IPretrainedModel Model { get; }

    public IMethod Method { get; }

    public GradientStore Gradients { get; }

    public Session Session { get; }

    public Optimizer Optimizer { get; }

    public TrainingStep Step { get; }

    public long TrainableElements => Gradients.Parameters.Sum(p => p.Shape.Elements);

    public long TotalElements => Model.Root.AllParameters().Where(p => !p.IsBuffer).Sum(p => p.Shape.Elements);

    /// <summary>Model FLOPs of a step.</summary>
    public double Flops(IEnumerable<Data.IBatch> batches) => batches.Sum(b => Task.Flops(Model, b, Method.Passes));

    public void Dispose()
    {
        Session.Dispose();
        Step.Dispose();
        Optimizer.Dispose();
        Gradients.Dispose();
        foreach (var parameter in Model.Root.AllParameters())
            parameter.Dispose();
        arena.Release();
    }

    // The Trainer's rule (no decay for biases and norms), or LoRA+'s groups; a recipe's own groups win where they match.
    private IReadOnlyList<ParameterGroup> Groups(Parameter[] trainable)
    {
        var o = Recipe.Optimizer;
        var norms = Model.Root.Tree().OfType<LayerNorm>().SelectMany(m => m.OwnParameters).ToHashSet();
        var facts = trainable.Select(p => new TrainableParameter(p.Path, p.Shape.Length, norms.Contains(p))).ToArray();
        var groups = Recipe.Lora.LoraplusLrRatio is { } ratio && Method is Lora
            ? LoraPlusGroups.Of(facts, o.LearningRate, ratio, o.WeightDecay, Recipe.Lora.LoraplusLrEmbedding)
            : DecayGroups.Of(facts, o.LearningRate, o.WeightDecay);
        return o.Groups.Count == 0 ? groups : Overridden(groups, o.Groups);
    }

    private static List<ParameterGroup> Overridden(IReadOnlyList<ParameterGroup> groups, IReadOnlyList<OptimizerGroup> overrides)
    {
        var result = new List<ParameterGroup>();
        foreach (var group in groups)
        {
            var left = group.Parameters.ToList();
            foreach (var over in overrides)
            {
                var selection = ModuleSelection.Matching(over.Match);
                var taken = left.Where(selection.Selects).ToList();
                left.RemoveAll(taken.Contains);
                result.Add(new ParameterGroup($"{group.Name} {over.Match}", over.LearningRate ?? group.LearningRate, over.WeightDecay ?? group.WeightDecay, taken));
            }
            result.Add(group with { Parameters = left });
        }
        return result;
    }
}
