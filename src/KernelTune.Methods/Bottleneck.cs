using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;
using KernelTune.Modules;

namespace KernelTune.Methods;

/// <summary>
/// Bottleneck adapters on residual sublayers: after both halves of a layer (Houlsby et al., 2019), after the feed-forward block (Pfeiffer et al., 2020), or beside it (He et al., 2021).
/// With h = body(norm(x)) and a(u) = s·up(f(down(u))): Houlsby y = a(h) + h + x; Pfeiffer y = a(h + x) + h + x; parallel y = a(x) + h + x. It cannot be merged: f stands between.
/// </summary>
public sealed class Bottleneck : IMethod
{
    private readonly List<BottleneckSublayer> occupants = [];
    private readonly AdapterTensors tensors = new();
    private readonly IDecoder decoder;

    private Bottleneck(BottleneckConfig config, IDecoder decoder) => (Config, this.decoder) = (config, decoder);

    public string Description => FormattableString.Invariant($"adapter, {occupants.Count} bottlenecks of {occupants[0].Width}");

    public bool IsAdapter => true;

    public string Library => "adapters";

    public int Passes => 2;

    public IReadOnlyList<Parameter> Trainable => tensors.Parameters;

    public IReadOnlyList<string> Warnings => [];

    public string? WhyUnmergeable => "a bottleneck adapter has an activation between its two projections and cannot be merged into the base's weights";

    public BottleneckConfig Config { get; }

    /// <summary>What it trains, by its names in adapter-hub's adapter.safetensors.</summary>
    public AdapterTensors Tensors => tensors;

    /// <summary>Occupies the sublayers of a model.</summary>
    /// <exception cref="MethodException">A setting is wrong, or the model has no residual sublayers.</exception>
    public static Bottleneck Attach(Module model, BottleneckConfig config)
    {
        config.Check();
        if (model is not IDecoder decoder)
            throw new MethodException("bottleneck adapters go on the residual sublayers of a transformer, and this model has none");
        var method = new Bottleneck(config, decoder);
        foreach (var sublayer in model.Tree().OfType<Sublayer>())
        {
            // The library has none for attention to an encoder.
            bool wanted = sublayer.Kind switch { SublayerKind.Attention => config.MhAdapter, SublayerKind.FeedForward => config.OutputAdapter, _ => false };
            if (wanted && !config.LeaveOut.Contains(sublayer.Index))
                method.Put(sublayer, decoder.HiddenSize);
        }
        return method.occupants.Count > 0 ? method : throw new MethodException($"leave_out [{string.Join(", ", config.LeaveOut)}] leaves no layer of {decoder.Layers}");
    }

    /// <summary>Draws fresh values as init_weights says. "bert": normal with deviation 0.02; "mam_adapter": down uniform in ±1/√in, up zero; "houlsby": normal with deviation 0.01, cut at two.</summary>
    public void Initialize(Device device, ulong seed)
    {
        foreach (var parameter in tensors.Parameters)
        {
            bool down = parameter.Path.EndsWith("adapter_down.0.weight", StringComparison.Ordinal) || parameter.Path.EndsWith("adapter_down.1.weight", StringComparison.Ordinal);
            bool projection = parameter.Shape.Length == 2, bias = parameter.Path.EndsWith(".bias", StringComparison.Ordinal);
            if (!projection)
                FreshValues.Fill(device, parameter, bias ? 0 : 1);
            else if (Config.InitWeights == "mam_adapter" && down)
                FreshValues.Uniform(device, parameter, seed, 1 / Math.Sqrt(parameter.Shape[1]));
            else if (Config.InitWeights == "mam_adapter")
                FreshValues.Fill(device, parameter, 0);
            else if (Config.InitWeights == "houlsby")
                FreshValues.Normal(device, parameter, seed, 0.01, limit: 2);
            else
                FreshValues.Normal(device, parameter, seed, 0.02);
        }
    }

    public IReadOnlyList<string> Load(Device device, AdapterFolder folder) => tensors.Load(device, folder.Weights);

    /// <summary>Writes adapter-hub's two files. The head, which stays as the base has it, is not among them.</summary>
    public void Save(AtomicFolder folder, string baseName, string? taskType) =>
        AdapterFolder.WriteHub(folder, BottleneckConfigJson.Write(Config, baseName, decoder.Architecture, decoder.ModelType, decoder.HiddenSize), tensors.ToSave());

    public bool Changes(Parameter parameter, string modulePath) => false;

    public float[] Merged(Parameter parameter, string modulePath) => throw new MethodException(WhyUnmergeable!);

    private void Put(Sublayer sublayer, int hidden)
    {
        var occupant = new BottleneckSublayer(sublayer, Config, hidden);
        sublayer.Occupy(occupant);
        occupants.Add(occupant);
        foreach (var parameter in occupant.Parameters)
            tensors.Add(parameter.Path, parameter);
        foreach (var (alias, parameter) in occupant.Aliases)
            tensors.Alias(alias, parameter);
    }
}

/// <summary>The bottleneck at one sublayer.</summary>
internal sealed class BottleneckSublayer : IOccupant<LayerInput, Tensor>
{
    private const double NormEps = 1e-5;

    private readonly BottleneckConfig config;
    private readonly List<Parameter> parameters = [];
    private readonly Parameter? scale, normBefore, normBeforeBias, normAfter, normAfterBias;
    private readonly Parameter down, downBias, up, upBias;
    private readonly string path, dropoutSite, depthSite, activation;

    public BottleneckSublayer(Sublayer sublayer, BottleneckConfig config, int hidden)
    {
        this.config = config;
        string place = sublayer.IsLibraryModule ? sublayer.Path : $"{sublayer.Layer}.{(sublayer.Kind == SublayerKind.Attention ? "attention" : "output")}_adapters";
        path = $"{place}.adapters.{config.Name}";
        (dropoutSite, depthSite, activation) = ($"{path}.dropout", $"{path}.depth", config.Activation);
        int width = config.Width(sublayer.Index, hidden);
        if (config.ScalingKind != BottleneckScaling.Constant)
            scale = Own("scaling", config.ScalingKind == BottleneckScaling.Channel ? hidden : 1);
        // The norm is the first member of the library's sequence: it moves the projection to the second place.
        if (config.LnBefore)
            (normBefore, normBeforeBias) = (Own("adapter_norm_before.weight", hidden), Own("adapter_norm_before.bias", hidden));
        string first = config.LnBefore ? "adapter_down.1" : "adapter_down.0";
        (down, downBias) = (Own(first + ".weight", width, hidden), Own(first + ".bias", width));
        (up, upBias) = (Own("adapter_up.weight", hidden, width), Own("adapter_up.bias", hidden));
        if (config.LnAfter)
            (normAfter, normAfterBias) = (Own("adapter_norm_after.weight", hidden), Own("adapter_norm_after.bias", hidden));
    }

    /// <summary>The bottleneck's width.</summary>
    public int Width => down.Shape[0];

    public IReadOnlyList<Parameter> Parameters => parameters;

    /// <summary>The names that the library gives the same norm a second time.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> Aliases =>
        normBefore is null ? [] : [($"{path}.adapter_down.0.weight", normBefore), ($"{path}.adapter_down.0.bias", normBeforeBias!)];

    public Tensor Forward(Module<LayerInput, Tensor> site, in LayerInput x)
    {
        var sublayer = (Sublayer)site;
        var stream = x.Hidden;
        var h = sublayer.Body.Call(new LayerInput(sublayer.Norm.Call(stream), x.Context));
        Tensor y;
        if (config.IsParallel)
        {
            y = Binary.Apply<Add>(AfterNorm(Projected(stream)), h);
        }
        else
        {
            var u = config.OriginalLnBefore ? Binary.Apply<Add>(h, stream) : h;
            var residual = config.ResidualBeforeLn ? h : u;
            y = Passing(Projected(u));
            y = config.AdapterResidualBeforeLn ? AfterNorm(Binary.Apply<Add>(y, residual)) : Binary.Apply<Add>(AfterNorm(y), residual);
        }
        return config.OriginalLnAfter ? Binary.Apply<Add>(y, stream) : y;
    }

    // s·up(f(down(norm(u)))), with dropout.
    private Tensor Projected(Tensor u)
    {
        if (normBefore is not null)
            u = LayerNormOp.Apply(u, normBefore.Value, normBeforeBias!.Value, NormEps);
        var y = LinearOp.Apply(ActivationFunction.Apply(activation, LinearOp.Apply(u, down, downBias)), up, upBias);
        if (scale is not null)
            y = Binary.Apply<Mul>(y, Leaf.Apply(y.Session, scale));
        else if (config.Scaling != 1)
            y = Unary.Apply<Scale, ScaleParams>(y, new ScaleParams(config.Scaling));
        return Dropout.Apply(y, config.Dropout, dropoutSite);
    }

    // Stochastic depth: an example's whole bottleneck is dropped, and what is left is scaled up.
    private Tensor Passing(Tensor y)
    {
        if (config.StochasticDepth == 0 || !y.Session.Training)
            return y;
        var rows = y.Session.New(new Shape(y.Shape[0], 1, 1));
        y.Device.Run(new FillCall(rows.View, 1));
        return Binary.Apply<Mul>(y, Dropout.Apply(rows, config.StochasticDepth, depthSite));
    }

    private Tensor AfterNorm(Tensor y) => normAfter is null ? y : LayerNormOp.Apply(y, normAfter.Value, normAfterBias!.Value, NormEps);

    private Parameter Own(string name, params ReadOnlySpan<int> shape)
    {
        var parameter = new Parameter($"{path}.{name}", new Shape(shape), Category.Adapters) { Trainable = true };
        parameters.Add(parameter);
        return parameter;
    }
}
