using System.Runtime.InteropServices;
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
    private readonly Dictionary<string, Parameter> byName = new(StringComparer.Ordinal);
    private readonly List<Parameter> trainable = [];

    // Running statistics of norms that train whole: they change with them, and PEFT saves them too.
    private readonly Dictionary<string, Parameter> statistics = new(StringComparer.Ordinal);

    private readonly Module model;

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
    public IReadOnlyList<Parameter> Trainable => trainable;

    /// <summary>The parameter behind each tensor of the adapter file.</summary>
    public IReadOnlyDictionary<string, Parameter> Tensors => byName;

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
            lora.byName.Add(LoraPlan.NamePrefix + last.A.Path, last.A);
            lora.byName.Add(LoraPlan.NamePrefix + last.B.Path, last.B);
            lora.trainable.Add(last.A);
            lora.trainable.Add(last.B);
        }
        lora.TakeBaseTensors(model);
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
    }

    /// <summary>Loads an adapter's tensors, strictly by name and shape.</summary>
    /// <exception cref="CheckpointException">A tensor is missing or has another shape.</exception>
    public IReadOnlyList<string> Load(Device device, IWeightSource source)
    {
        var optional = Plan.Tensors.Where(t => t.Source != AdapterTensorSource.Trained).Select(t => t.Name).Concat(statistics.Keys).ToHashSet(StringComparer.Ordinal);
        var extra = StrictKeys.Check(byName.Keys, optional, new Dictionary<string, string>(), source);
        foreach (var (name, parameter) in byName)
            StrictKeys.CheckShape(source, name, parameter.Shape.ToArray().Select(n => (long)n).ToArray());
        foreach (var (name, parameter) in byName)
            parameter.Load(device, source.ReadF32(name));
        foreach (var (name, buffer) in statistics)
        {
            if (source.TryGet(name, out var info))
                buffer.Load(device, info.Format == WeightFormats.I64 ? Counts(source, info) : source.ReadF32(name));
        }
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
        var tensors = new List<TensorToSave>();
        foreach (var tensor in Plan.Tensors)
        {
            if (!byName.TryGetValue(tensor.Name, out var parameter))
                parameter = BaseOf(modules, tensor);
            if (parameter is not null)
                tensors.Add(new TensorToSave(tensor.Name, DType.F32, [.. tensor.Shape.Select(n => (long)n)], sink => Write(parameter, sink)));
        }
        foreach (var (name, buffer) in statistics)
            tensors.Add(new TensorToSave(name, buffer.StoredType, [.. buffer.Shape.ToArray().Select(n => (long)n)], sink => Write(buffer, sink)));
        return tensors.OrderBy(t => t.Name, StringComparer.Ordinal);
    }

    /// <summary>
    /// The weights that merging changes: W + s·B·A for every site (its transpose for Conv1D and tables), added in double. Keyed by the base's parameter; a tied one appears once.
    /// </summary>
    public IEnumerable<(Parameter Base, float[] Merged)> Merged()
    {
        foreach (var group in occupants.GroupBy(o => o.Base))
        {
            var merged = Numbers(group.Key);
            foreach (var occupant in group)
                AddDelta(merged, occupant);
            yield return (group.Key, merged);
        }
    }

    public bool Changes(Parameter parameter, string modulePath) => OccupantOf(parameter, modulePath) is not null;

    /// <summary>The weight of one site as merging makes it. Where the base's weight is tied, its other name keeps what it has.</summary>
    /// <exception cref="MethodException">The site is not adapted.</exception>
    public float[] Merged(Parameter parameter, string modulePath)
    {
        var occupant = OccupantOf(parameter, modulePath) ?? throw new MethodException($"{modulePath} is not adapted");
        var merged = Numbers(occupant.Base);
        AddDelta(merged, occupant);
        return merged;
    }

    private ILoraOccupant? OccupantOf(Parameter parameter, string modulePath) =>
        occupants.Find(o => o.Site.Module.Path == modulePath && ReferenceEquals(o.Base, parameter));

    // Read when its turn comes, into memory that is used again: an adapter is never held twice.
    private static void Write(Parameter parameter, TensorSink sink)
    {
        if (parameter.StoredType == DType.I64)
        {
            var counts = new long[parameter.Shape.Elements];
            parameter.Device.Read<long>(parameter.Value.View, counts);
            sink.WriteRaw(MemoryMarshal.AsBytes<long>(counts));
            return;
        }
        var numbers = System.Buffers.ArrayPool<float>.Shared.Rent(checked((int)parameter.Shape.Elements));
        var own = numbers.AsSpan(0, (int)parameter.Shape.Elements);
        parameter.Read(own);
        sink.Write(own);
        System.Buffers.ArrayPool<float>.Shared.Return(numbers);
    }

    private static float[] Numbers(Parameter parameter)
    {
        var numbers = new float[parameter.Shape.Elements];
        parameter.Read(numbers);
        return numbers;
    }

    private static Parameter? BaseOf(Dictionary<string, Parameter> modules, AdapterTensor tensor) =>
        modules.GetValueOrDefault($"{tensor.ModulePath}.{(tensor.Name.EndsWith(".bias", StringComparison.Ordinal) ? "bias" : "weight")}");

    private static void AddDelta(float[] weight, ILoraOccupant occupant)
    {
        var (a, b) = (Numbers(occupant.A), Numbers(occupant.B));
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
        var owners = model.Tree().SelectMany(m => m.OwnParameters).CountBy(p => p).ToDictionary();
        foreach (var tensor in Plan.Tensors)
        {
            if (tensor.Source != AdapterTensorSource.Trained || byName.ContainsKey(tensor.Name))
                continue;
            var parameter = BaseOf(modules, tensor);
            if (parameter is null || owners[parameter] > 1)
                throw new MethodException($"modules_to_save names {tensor.ModulePath}, whose weight is shared with another module: a tied weight cannot be trained apart");
            parameter.Trainable = true;
            byName.Add(tensor.Name, parameter);
            trainable.Add(parameter);
        }
        var whole = Plan.SavedWhole.Select(m => m.Path).ToHashSet(StringComparer.Ordinal);
        foreach (var buffer in model.Tree().Where(m => whole.Contains(m.Path)).SelectMany(m => m.OwnBuffers))
            statistics.Add(LoraPlan.NamePrefix + buffer.Path, buffer);
    }

    private static float[] Counts(IWeightSource source, WeightInfo info)
    {
        var numbers = new long[info.Elements];
        source.ReadRaw(info.Name, MemoryMarshal.AsBytes(numbers.AsSpan()));
        return Array.ConvertAll(numbers, n => (float)n);
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
