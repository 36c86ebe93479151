using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;
using KernelTune.Modules;

namespace KernelTune.Methods;

/// <summary>
/// LoRA on a model (Hu et al., 2021; rsLoRA: Kalajdzievski, 2023): a plan put at its sites, with what else it trains (biases, whole modules). Its tensors have PEFT's names.
/// </summary>
public sealed class Lora : IMethod
{
    private readonly List<ILoraOccupant> occupants = [];
    private readonly AdapterTensors tensors = new();
    private readonly Module model;
    private IReadOnlyList<TokenRows> rows = [];      // trainable_token_indices

    private Lora(LoraPlan plan, Module model) => (Plan, this.model) = (plan, model);

    public string Description => FormattableString.Invariant($"lora, rank {Plan.Config.R}, alpha {Plan.Config.LoraAlpha}, {Plan.Sites.Count} sites");

    public bool IsAdapter => true;

    public int Passes => 2;

    public IReadOnlyList<string> Warnings => Plan.Warnings;

    public string? WhyUnmergeable => Plan.Sites.FirstOrDefault(s => s.Module.Groups > 1) is { } site
        ? FormattableString.Invariant($"{site.Module.Path} is a convolution of {site.Module.Groups} groups, and its update crosses them")
        : null;

    /// <summary>Which sites, which ranks, which tensors.</summary>
    public LoraPlan Plan { get; }

    /// <summary>What it trains, in the order of the model: factors, biases, whole modules.</summary>
    public IReadOnlyList<Parameter> Trainable => tensors.Parameters;

    /// <summary>The parameter behind each tensor of the adapter file.</summary>
    public IReadOnlyDictionary<string, Parameter> Tensors => tensors.ByName;

    /// <summary>
    /// Occupies the sites of a model and marks what is trained. To be called before the base is loaded: a weight that is trained stays dense.
    /// </summary>
    /// <exception cref="MethodException">The configuration asks for something that is not built, or matches nothing.</exception>
    public static Lora Attach(Module model, string modelType, LoraConfig config)
    {
        if (config.UseDora || config.LoraBias)
            throw new MethodException($"{(config.UseDora ? "use_dora" : "lora_bias")} is not built yet");
        var plan = LoraPlan.Make(config, ModelSites.Of(model), modelType);
        var lora = new Lora(plan, model);
        var modules = model.Tree().ToLookup(m => m.Path, StringComparer.Ordinal);
        foreach (var site in plan.Sites)
        {
            var leaf = modules[site.Module.Path].First(m => m is Linear or Embedding or Conv2d);
            if (leaf is Conv2d convolution)
            {
                var occupant = new LoraConv2d(convolution, site, config.LoraDropout);
                convolution.Occupy(occupant);
                lora.occupants.Add(occupant);
            }
            else if (leaf is Linear linear)
            {
                var occupant = new LoraLinear(linear, site, config.LoraDropout);
                linear.Occupy(occupant);
                lora.occupants.Add(occupant);
            }
            else
            {
                var table = (Embedding)leaf;
                var occupant = new LoraEmbedding(table, site);
                table.Occupy(occupant);
                lora.occupants.Add(occupant);
            }
            var last = lora.occupants[^1];
            lora.tensors.Add(LoraPlan.NamePrefix + last.A.Path, last.A);
            lora.tensors.Add(LoraPlan.NamePrefix + last.B.Path, last.B);
        }
        lora.TakeBaseTensors(model);
        lora.rows = TrainableTokens.Beside(model, config.Others[LoraConfig.TokenKey], lora.tensors);
        return lora;
    }

    /// <summary>
    /// Draws fresh factors as PEFT does: A uniform in ±1/√in (Kaiming with a = √5), B zero, so the model starts unchanged; a table's A zero and B normal.
    /// "gaussian": A normal with deviation 1/r. "false": both random. A function of seed and path alone.
    /// </summary>
    public void Initialize(Device device, ulong seed)
    {
        foreach (var occupant in occupants)
        {
            bool table = occupant is LoraEmbedding;
            bool random = Plan.Config.InitLoraWeights == "false";
            var (zero, drawn) = table ? (occupant.A, occupant.B) : (occupant.B, occupant.A);
            Draw(device, drawn, seed, table ? 1 : Plan.Config.InitLoraWeights == "gaussian" ? 1.0 / occupant.Site.Rank : 0, FanIn(occupant.A));
            if (random)
                Draw(device, zero, seed, table ? 1 : 0, table ? occupant.A.Shape[1] : FanIn(zero));
            else
                zero.Load(device, new float[zero.Shape.Elements]);
        }
        foreach (var one in rows)
            one.Initialize(device);
    }

    /// <summary>Loads an adapter's tensors, strictly by name and shape.</summary>
    /// <exception cref="CheckpointException">A tensor is missing or has another shape.</exception>
    public IReadOnlyList<string> Load(Device device, IWeightSource source)
    {
        var extra = tensors.Load(device, source, Plan.Tensors.Where(t => t.Source != AdapterTensorSource.Trained).Select(t => t.Name));
        foreach (var one in rows)
            one.Prepare(device);
        return extra;
    }

    public IReadOnlyList<string> Load(Device device, AdapterFolder folder) => Load(device, folder.Weights);

    public void Save(AtomicFolder folder, string baseName, string? taskType)
    {
        var config = Plan.Config with { BaseModelNameOrPath = baseName, TaskType = Plan.Config.TaskType ?? taskType };
        AdapterFolder.Write(folder, LoraConfigJson.Write(config), ToSave());
    }

    /// <summary>The tensors of the adapter file as they are now, in ordinal order of their names.</summary>
    public IEnumerable<TensorToSave> ToSave()
    {
        var modules = model.BaseParameters().ToDictionary(p => p.Path, StringComparer.Ordinal);
        var copies = Plan.Tensors.Where(t => !tensors.ByName.ContainsKey(t.Name)).Select(t => (t.Name, Base: BaseOf(modules, t)));
        return tensors.ToSave()
            .Concat(copies.Where(c => c.Base is not null).Select(c => AdapterTensors.Saved(c.Name, c.Base!)))
            .OrderBy(t => t.Name, StringComparer.Ordinal);
    }

    /// <summary>
    /// The weights that merging changes: W + s·B·A for every site (its transpose for Conv1D and tables), added in double. Keyed by the base's parameter; a tied one appears once.
    /// </summary>
    public IEnumerable<(Parameter Base, float[] Merged)> Merged()
    {
        foreach (var group in occupants.GroupBy(o => o.Base))
        {
            var merged = AdapterTensors.Numbers(group.Key);
            foreach (var occupant in group)
                AddDelta(merged, occupant);
            yield return (group.Key, merged);
        }
        foreach (var one in rows)
            yield return one.Merged();
    }

    public bool Changes(Parameter parameter, string modulePath) => OccupantOf(parameter, modulePath) is not null || RowsOf(parameter, modulePath) is not null;

    public bool ChangesAlike(Parameter parameter) => !occupants.Exists(o => ReferenceEquals(o.Base, parameter));

    /// <summary>The weight of one site as merging makes it. Where the base's weight is tied, its other name keeps what it has.</summary>
    /// <exception cref="MethodException">The site is not adapted.</exception>
    public float[] Merged(Parameter parameter, string modulePath)
    {
        if (RowsOf(parameter, modulePath) is { } tokens)
            return tokens.Merged().Merged;
        var occupant = OccupantOf(parameter, modulePath) ?? throw new MethodException($"{modulePath} is not adapted");
        var merged = AdapterTensors.Numbers(occupant.Base);
        AddDelta(merged, occupant);
        return merged;
    }

    private TokenRows? RowsOf(Parameter parameter, string modulePath) => rows.FirstOrDefault(r => r.Changes(parameter, modulePath));

    private ILoraOccupant? OccupantOf(Parameter parameter, string modulePath) =>
        occupants.Find(o => o.Site.Module.Path == modulePath && ReferenceEquals(o.Base, parameter));

    private static Parameter? BaseOf(Dictionary<string, Parameter> modules, AdapterTensor tensor) =>
        modules.GetValueOrDefault($"{tensor.ModulePath}.{(tensor.Name.EndsWith(".bias", StringComparison.Ordinal) ? "bias" : "weight")}");

    private static void AddDelta(float[] weight, ILoraOccupant occupant)
    {
        var (a, b) = (AdapterTensors.Numbers(occupant.A), AdapterTensors.Numbers(occupant.B));
        int rank = occupant.Site.Rank, columns = FanIn(occupant.A), rows = occupant.B.Shape[0];
        bool transposed = occupant.Base.IsTransposed || occupant is LoraEmbedding;
        var delta = new double[columns];
        for (int i = 0; i < rows; i++)
        {
            Array.Clear(delta);
            for (int r = 0; r < rank; r++)
            {
                double factor = occupant.Site.Scale * b[(i * rank) + r];
                for (int j = 0; j < columns; j++)
                    delta[j] += factor * a[(r * columns) + j];
            }
            for (int j = 0; j < columns; j++)
            {
                long at = transposed ? ((long)j * rows) + i : ((long)i * columns) + j;
                weight[at] = (float)(weight[at] + delta[j]);
            }
        }
    }

    // Biases and whole modules that train: parameters of the base, saved with the adapter.
    private void TakeBaseTensors(Module model)
    {
        var modules = model.BaseParameters().ToDictionary(p => p.Path, StringComparer.Ordinal);
        var shared = model.SharedParameters();
        foreach (var tensor in Plan.Tensors)
        {
            if (tensor.Source != AdapterTensorSource.Trained || tensors.ByName.ContainsKey(tensor.Name))
                continue;
            var parameter = BaseOf(modules, tensor);
            if (parameter is null || shared.Contains(parameter))
                throw new MethodException($"modules_to_save names {tensor.ModulePath}, whose weight is shared with another module: a tied weight cannot be trained apart");
            tensors.Add(tensor.Name, parameter);
        }
        var whole = Plan.SavedWhole.Select(m => m.Path).ToHashSet(StringComparer.Ordinal);
        foreach (var buffer in model.Tree().Where(m => whole.Contains(m.Path)).SelectMany(m => m.OwnBuffers))
            tensors.AddBuffer(LoraPlan.NamePrefix + buffer.Path, buffer);
    }

    // Inputs of one output: all but the first axis.
    private static int FanIn(Parameter factor) => checked((int)(factor.Shape.Elements / factor.Shape[0]));

    // deviation 0: uniform in ±1/√fanIn.
    private static void Draw(Device device, Parameter parameter, ulong seed, double deviation, int fanIn)
    {
        var numbers = new float[parameter.Shape.Elements];
        var place = new RandomPlace(seed, StableHash.Site(parameter.Path + "/init"), 0, 0);
        double bound = 1 / Math.Sqrt(fanIn);
        for (uint block = 0; 4L * block < numbers.Length; block++)
        {
            Philox.Block(place, block, out U32 a, out var b, out var c, out var d);
            ReadOnlySpan<uint> words = [a.Value, b.Value, c.Value, d.Value];
            for (int i = 0; i < 4 && (4L * block) + i < numbers.Length; i++)
            {
                double u = (words[i] + 0.5) / 4294967296.0;
                numbers[(4L * block) + i] = deviation == 0 ? (float)(((2 * u) - 1) * bound) : (float)(deviation * Normal(words[i & ~1], words[i | 1], (i & 1) == 0));
            }
        }
        parameter.Load(device, numbers);
    }

    // Box and Muller's transform.
    private static double Normal(uint first, uint second, bool cosine)
    {
        double radius = Math.Sqrt(-2 * Math.Log((first + 1.0) / 4294967296.0)), angle = 2 * Math.PI * second / 4294967296.0;
        return radius * (cosine ? Math.Cos(angle) : Math.Sin(angle));
    }
}
