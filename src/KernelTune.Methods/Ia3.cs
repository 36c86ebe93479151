using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;
using KernelTune.Modules;

namespace KernelTune.Methods;

/// <summary>
/// (IA)³ (Liu et al., 2022): y = l ∘ (W₀x + b) at a layer, y = W₀(l ∘ x) + b at a feed-forward layer; only the vectors l train. Merging scales W₀'s rows (and b), or its columns.
/// </summary>
public sealed class Ia3 : IMethod
{
    private readonly List<Ia3Linear> occupants = [];
    private readonly AdapterTensors tensors = new();

    private Ia3(Ia3Config config) => Config = config;

    public string Description => FormattableString.Invariant($"ia3, {occupants.Count} sites");

    public bool IsAdapter => true;

    public int Passes => 2;

    public IReadOnlyList<Parameter> Trainable => tensors.Parameters;

    public IReadOnlyList<string> Warnings => [];

    public string? WhyUnmergeable => null;

    /// <summary>The configuration as PEFT saves it: targets spelt out, fan_in_fan_out set.</summary>
    public Ia3Config Config { get; private set; }

    /// <summary>What it trains, by its names in adapter_model.safetensors.</summary>
    public AdapterTensors Tensors => tensors;

    /// <summary>The paths of the layers that it scales, in the order of the model.</summary>
    public IEnumerable<string> Sites => occupants.Select(o => o.Linear.Path);

    /// <summary>Occupies the sites of a model and marks what is trained.</summary>
    /// <exception cref="MethodException">The configuration matches nothing, or something that cannot be scaled.</exception>
    public static Ia3 Attach(Module model, string modelType, Ia3Config config)
    {
        var modules = ModelSites.Of(model);
        if (config.FeedforwardModules is { Pattern: null } inner && config.TargetModules is { Pattern: null } outer && inner.Names.FirstOrDefault(n => !outer.Names.Contains(n)) is { } stray)
            throw new MethodException($"feedforward_modules names {stray}, which target_modules {outer} does not");
        config = config with
        {
            TargetModules = LoraTargets.Spelt(config.TargetModules ?? Ia3DefaultTargets.Of(modelType, "target_modules").Targets, modules),
            FeedforwardModules = config.FeedforwardModules ?? Ia3DefaultTargets.Of(modelType, "feedforward_modules").FeedForward,
        };
        var method = new Ia3(config);
        var rules = new LoraConfig { TargetModules = config.TargetModules, ExcludeModules = config.ExcludeModules, ModulesToSave = config.ModulesToSave };
        var leaves = model.Tree().OfType<Linear>().ToDictionary(l => l.Path, StringComparer.Ordinal);
        foreach (string path in LoraTargets.AllPaths(modules).Where(p => LoraTargets.Targets(rules, p)))
        {
            if (!leaves.TryGetValue(path, out var linear))
                throw new MethodException($"target_modules {config.TargetModules} matches {path}: (IA)³ goes on Linear and Conv1D");
            method.Put(linear);
            config = config with { FanInFanOut = linear.IsConv1D };
        }
        if (method.occupants.Count == 0)
            throw new MethodException($"target_modules {config.TargetModules} matches no module; this model has {string.Join(", ", leaves.Keys.Select(p => p[(p.LastIndexOf('.') + 1)..]).Distinct())}");
        method.Config = config;
        WholeModules.Take(model, config.ModulesToSave, LoraPlan.NamePrefix, method.tensors);
        return method;
    }

    /// <summary>Fresh vectors: ones, so the model starts unchanged; without init_ia3_weights normally distributed.</summary>
    public void Initialize(Device device, ulong seed)
    {
        foreach (var occupant in occupants)
        {
            if (Config.InitIa3Weights)
                FreshValues.Fill(device, occupant.L, 1);
            else
                FreshValues.Normal(device, occupant.L, seed, 1);
        }
    }

    /// <summary>The weights and biases that merging changes.</summary>
    public IEnumerable<(Parameter Base, float[] Merged)> Merged()
    {
        foreach (var group in occupants.SelectMany(o => o.Changes.Select(p => (Parameter: p, Occupant: o))).GroupBy(c => c.Parameter))
        {
            var merged = AdapterTensors.Numbers(group.Key);
            foreach (var (_, occupant) in group)
                occupant.Scale(group.Key, merged);
            yield return (group.Key, merged);
        }
    }

    public bool Changes(Parameter parameter, string modulePath) => OccupantOf(parameter, modulePath) is not null;

    /// <exception cref="MethodException">The layer is not scaled.</exception>
    public float[] Merged(Parameter parameter, string modulePath)
    {
        var occupant = OccupantOf(parameter, modulePath) ?? throw new MethodException($"{modulePath} is not adapted");
        var merged = AdapterTensors.Numbers(parameter);
        occupant.Scale(parameter, merged);
        return merged;
    }

    public IReadOnlyList<string> Load(Device device, AdapterFolder folder) => tensors.Load(device, folder.Weights);

    public void Save(AtomicFolder folder, string baseName, string? taskType) => AdapterFolder.Write(folder, Config.ToJson(baseName, taskType), tensors.ToSave());

    private Ia3Linear? OccupantOf(Parameter parameter, string modulePath) => occupants.Find(o => o.Linear.Path == modulePath && o.Changes.Contains(parameter));

    private void Put(Linear linear)
    {
        var selection = Config.FeedforwardModules!;
        // PEFT compares the ends of paths here, not whole parts of them.
        bool feedForward = selection.Pattern is not null ? selection.Selects(linear.Path) : selection.Names.Any(n => linear.Path.EndsWith(n, StringComparison.Ordinal));
        var occupant = new Ia3Linear(linear, feedForward);
        linear.Occupy(occupant);
        occupants.Add(occupant);
        tensors.Add(LoraPlan.NamePrefix + occupant.L.Path, occupant.L);
    }
}

/// <summary>The vector at one layer: l is [out, 1], or [1, in] where it scales the input.</summary>
internal sealed class Ia3Linear : IOccupant<Tensor, Tensor>
{
    private readonly bool feedForward;

    public Ia3Linear(Linear linear, bool feedForward)
    {
        (Linear, this.feedForward) = (linear, feedForward);
        L = new Parameter($"{linear.Path}.ia3_l", feedForward ? new Shape(1, linear.InFeatures) : new Shape(linear.OutFeatures, 1), Category.Adapters) { Trainable = true };
    }

    public Linear Linear { get; }

    public Parameter L { get; }

    public IReadOnlyList<Parameter> Parameters => [L];

    /// <summary>What merging changes.</summary>
    public IEnumerable<Parameter> Changes => feedForward || Linear.Bias is null ? [Linear.Weight] : [Linear.Weight, Linear.Bias];

    public Tensor Forward(Module<Tensor, Tensor> site, in Tensor x)
    {
        var l = Reshape.Apply(Leaf.Apply(x.Session, L), new Shape((int)L.Shape.Elements));
        return feedForward ? site.Forward(Binary.Apply<Mul>(x, l)) : Binary.Apply<Mul>(site.Forward(x), l);
    }

    public void Scale(Parameter parameter, float[] numbers)
    {
        var l = AdapterTensors.Numbers(L);
        bool rows = feedForward == Linear.IsConv1D;      // whether l belongs to the weight's first axis
        int width = parameter == Linear.Weight && rows ? numbers.Length / l.Length : 1;
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] *= l[parameter == Linear.Weight && rows ? i / width : i % l.Length];
    }
}
