using System.Text.Json.Nodes;
using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;
using KernelTune.Modules;

namespace KernelTune.Methods;

/// <summary>Prefix tuning's settings under PEFT's names and with PEFT's defaults.</summary>
public sealed record PrefixTuningConfig
{
    public const string PeftType = "PREFIX_TUNING";

    /// <summary>n.</summary>
    public int NumVirtualTokens { get; init; } = 20;

    /// <summary>2 for an encoder-decoder, whose prefix stands before its decoder's own keys and values; null: as the model is.</summary>
    public int? NumTransformerSubmodules { get; init; }

    /// <summary>Whether keys and values come out of a perceptron over n embeddings, which is trained with them and thrown away afterwards.</summary>
    public bool PrefixProjection { get; init; }

    /// <summary>The perceptron's hidden size; null: the width of a layer's keys.</summary>
    public int? EncoderHiddenSize { get; init; }

    /// <summary>Whether fresh keys and values are zero ("zero"), not drawn.</summary>
    public bool InitZero { get; init; }

    public IReadOnlyList<string>? ModulesToSave { get; init; }

    public string? TaskType { get; init; }

    /// <summary>Reads adapter_config.json.</summary>
    /// <exception cref="CheckpointException">A value has the wrong type, or peft_type is another.</exception>
    public static PrefixTuningConfig Read(JsonSettings json, ICollection<string> dropped)
    {
        PeftKeys.Check(json, PeftType, dropped, "num_virtual_tokens", "token_dim", "num_transformer_submodules", "num_attention_heads", "num_layers", "encoder_hidden_size",
            "prefix_projection", "init_weights");
        return new PrefixTuningConfig
        {
            NumTransformerSubmodules = PromptShapes.Submodules(json),
            NumVirtualTokens = json.Int("num_virtual_tokens"),
            PrefixProjection = json.Bool("prefix_projection", false),
            EncoderHiddenSize = json.IntOrNull("encoder_hidden_size"),
            InitZero = json.StringOrNull("init_weights") switch
            {
                null => false,
                "zero" => true,
                var other => throw json.Bad("init_weights", $"{CheckpointException.Quote(other)} was found, \"zero\" or null wanted"),
            },
            ModulesToSave = PeftKeys.Names(json, "modules_to_save"),
            TaskType = json.StringOrNull("task_type"),
        };
    }

    /// <summary>The keys of adapter_config.json, all that PEFT writes.</summary>
    public JsonObject ToJson(IDecoder decoder, string? baseName, string? taskType)
    {
        var json = PeftKeys.Common(PeftType, taskType ?? TaskType, baseName, ModulesToSave);
        PromptShapes.Write(json, NumVirtualTokens, decoder.KeyValueHeads * decoder.HeadDim, decoder.KeyValueHeads, decoder.Layers, NumTransformerSubmodules ?? VirtualTokens.Submodules(decoder));
        json["encoder_hidden_size"] = EncoderHiddenSize ?? decoder.KeyValueHeads * decoder.HeadDim;
        json["prefix_projection"] = PrefixProjection;
        json["init_weights"] = InitZero ? "zero" : null;
        return json;
    }
}

/// <summary>
/// Prefix tuning (Li and Liang, 2021): in every layer n trained keys and values stand before those of the text; all else is frozen. With projection they come out of a perceptron,
/// P = tanh(E·W₁ᵀ + b₁)·W₂ᵀ + b₂. P is [n, layers·2·kv], per layer keys then values, heads in order. Positions of the text start at n; the keys have no rotary positions.
/// </summary>
public sealed class PrefixTuning : IMethod
{
    /// <summary>The file beside PEFT's two that holds the perceptron, so that training can go on: PEFT saves its output only.</summary>
    public const string EncoderName = "prompt_encoder.safetensors";

    private const string PromptName = "prompt_embeddings";

    private readonly AdapterTensors tensors = new();
    private readonly PrefixInput occupant;

    private PrefixTuning(PrefixTuningConfig config, IDecoder decoder, bool projected)
    {
        (Config, Decoder) = (config, decoder);
        occupant = new PrefixInput(config, decoder, projected);
        foreach (var parameter in occupant.Parameters)
            tensors.Add(parameter.Path["prompt_encoder.".Length..], parameter);
    }

    public string Description => FormattableString.Invariant($"prefix tuning, {Config.NumVirtualTokens} virtual tokens{(IsProjected ? ", projected" : "")}");

    public bool IsAdapter => true;

    public int Passes => 2;

    public IReadOnlyList<Parameter> Trainable => [.. tensors.Parameters, .. Whole.Parameters];

    public IReadOnlyList<string> Warnings => [];

    public string? WhyUnmergeable => "a prefix stands before the keys and values of the text and cannot be merged into the base's weights";

    public PrefixTuningConfig Config { get; }

    private IDecoder Decoder { get; }

    /// <summary>What it trains, by its names in <see cref="EncoderName"/>.</summary>
    public AdapterTensors Tensors => tensors;

    /// <summary>Modules that train whole, by their names in adapter_model.safetensors.</summary>
    public AdapterTensors Whole { get; } = new();

    /// <summary>Whether the perceptron is there; false: keys and values themselves.</summary>
    public bool IsProjected => occupant.IsProjected;

    /// <summary>Occupies the input of a decoder.</summary>
    /// <param name="model">The decoder.</param>
    /// <param name="config">The settings.</param>
    /// <param name="projected">False: the saved keys and values stand by themselves, as PEFT loads them for inference, whatever the configuration says of a projection.</param>
    /// <exception cref="MethodException">A setting is wrong, or the model has no room for the prefix.</exception>
    public static PrefixTuning Attach(Module model, PrefixTuningConfig config, bool projected = true)
    {
        var (site, decoder) = VirtualTokens.DecoderOf(model, "prefix tuning", beforeEncoder: false);
        PromptShapes.CheckCount(config.NumVirtualTokens, decoder);
        PromptShapes.CheckSubmodules(config.NumTransformerSubmodules, decoder);
        if (config.EncoderHiddenSize is < 1)
            throw new MethodException($"encoder_hidden_size is {config.EncoderHiddenSize}, wanted 1 or more");
        var method = new PrefixTuning(config, decoder, projected && config.PrefixProjection);
        site.Occupy(method.occupant);
        WholeModules.Take(model, config.ModulesToSave, PromptShapes.NamePrefix, method.Whole);
        return method;
    }

    /// <summary>Fresh values as PEFT draws them: embeddings normal with deviation 1, the perceptron uniform in ±1/√in; with init_weights "zero" keys and values are zero.</summary>
    public void Initialize(Device device, ulong seed) => occupant.Initialize(device, seed, Config.InitZero);

    /// <summary>The keys and values P that PEFT saves, on the host: [n, layers·2·kv].</summary>
    public float[] Prompt(Device device)
    {
        using var session = new Session(device);
        var prompt = occupant.Encoded(session);
        var numbers = new float[prompt.View.Elements];
        device.Read<float>(prompt.View, numbers);
        return numbers;
    }

    /// <summary>P's shape.</summary>
    public long[] PromptShape => [Config.NumVirtualTokens, occupant.Width];

    /// <summary>Loads P from PEFT's file, or, where there is a perceptron, that from the file beside it.</summary>
    /// <exception cref="CheckpointException">Something is missing or has another shape.</exception>
    public IReadOnlyList<string> Load(Device device, AdapterFolder folder)
    {
        var extra = Whole.Check(folder.Weights, PromptName);
        if (!folder.Weights.TryGet(PromptName, out _))
            throw new CheckpointException(folder.Weights.Location, "missing", tensor: PromptName);
        StrictKeys.CheckShape(folder.Weights, PromptName, PromptShape);
        if (IsProjected)
        {
            string file = Path.Combine(folder.Location, EncoderName);
            if (!File.Exists(file))
                throw new CheckpointException(file, "missing: the prefix was trained through a projection, which PEFT does not save; without it the adapter can be used but not trained further");
            using var encoder = SafetensorsFile.Open(file);
            extra = [.. extra, .. tensors.Load(device, encoder)];
        }
        else
        {
            occupant.Embedding.Load(device, folder.Weights.ReadF32(PromptName));
        }
        Whole.Read(device, folder.Weights);
        return extra;
    }

    /// <summary>Writes PEFT's two files and, where there is a perceptron, <see cref="EncoderName"/>.</summary>
    public void Save(AtomicFolder folder, string baseName, string? taskType)
    {
        AdapterFolder.Write(folder, Config.ToJson(Decoder, baseName, taskType), ToSave());
        if (IsProjected)
            folder.WriteSafetensors(EncoderName, tensors.ToSave());
    }

    /// <summary>The tensors of PEFT's file.</summary>
    public IEnumerable<TensorToSave> ToSave() =>
        Whole.ToSave().Append(new TensorToSave(PromptName, DType.F32, PromptShape, sink => sink.Write(Prompt(occupant.Embedding.Device)))).OrderBy(t => t.Name, StringComparer.Ordinal);

    public bool Changes(Parameter parameter, string modulePath) => false;

    public float[] Merged(Parameter parameter, string modulePath) => throw new MethodException(WhyUnmergeable!);
}

/// <summary>The prefix at the input of a decoder.</summary>
internal sealed class PrefixInput : IOccupant<TokenInput, Tensor>, IVirtualTokens
{
    private readonly Parameter? first, firstBias, second, secondBias;
    private readonly int layers, heads, headDim, submodules;

    public PrefixInput(PrefixTuningConfig config, IDecoder decoder, bool projected)
    {
        submodules = config.NumTransformerSubmodules ?? VirtualTokens.Submodules(decoder);
        (layers, heads, headDim) = (decoder.Layers, decoder.KeyValueHeads, decoder.HeadDim);
        int width = heads * headDim;
        Embedding = Own("embedding.weight", config.NumVirtualTokens, projected ? width : Width);
        if (!projected)
        {
            Parameters = [Embedding];
            return;
        }
        int hidden = config.EncoderHiddenSize ?? width;
        (first, firstBias) = (Own("transform.0.weight", hidden, width), Own("transform.0.bias", hidden));
        (second, secondBias) = (Own("transform.2.weight", Width, hidden), Own("transform.2.bias", Width));
        Parameters = [Embedding, first, firstBias, second, secondBias];
    }

    /// <summary>[n, layers·2·kv], or [n, kv] before the perceptron.</summary>
    public Parameter Embedding { get; }

    /// <summary>layers·2·kv.</summary>
    public int Width => layers * 2 * heads * headDim;

    public bool IsProjected => first is not null;

    public int Count => Embedding.Shape[0];

    public bool HaveHiddenStates => false;

    public IReadOnlyList<Parameter> Parameters { get; }

    public Tensor Forward(Module<TokenInput, Tensor> site, in TokenInput x)
    {
        var longer = VirtualTokens.Lengthened(x, Count, HaveHiddenStates, "prefix tuning", out bool isFirst);
        return site.Forward(isFirst ? longer with { Prefix = KeyValues(x.Session) } : longer);
    }

    /// <summary>P [n, layers·2·kv].</summary>
    public Tensor Encoded(Session session)
    {
        var e = Leaf.Apply(session, Embedding);
        return first is null ? e : LinearOp.Apply(Unary.Apply<Tanh>(LinearOp.Apply(e, first, firstBias)), second!, secondBias);
    }

    public void Initialize(Device device, ulong seed, bool zero)
    {
        if (zero && !IsProjected)
            FreshValues.Fill(device, Embedding, 0);
        else
            FreshValues.Normal(device, Embedding, seed, 1);
        if (!IsProjected)
            return;
        Linear(device, seed, first!, firstBias!, false);
        Linear(device, seed, second!, secondBias!, zero);
    }

    private static void Linear(Device device, ulong seed, Parameter weight, Parameter bias, bool zero)
    {
        double bound = zero ? 0 : 1 / Math.Sqrt(weight.Shape[1]);
        FreshValues.Uniform(device, weight, seed, bound);
        FreshValues.Uniform(device, bias, seed, bound);
    }

    private PrefixKeyValues KeyValues(Session session)
    {
        var sizes = new int[2 * layers];
        Array.Fill(sizes, heads * headDim);
        var pieces = Split.Apply(Encoded(session), sizes);
        var shape = new Shape(Count, heads, headDim);
        var (keys, values) = (new Tensor[layers], new Tensor[layers]);
        for (int i = 0; i < layers; i++)
        {
            // PEFT repeats P for an encoder-decoder and deals four pieces to a layer, of which its own keys and values are the first two: so every second pair is used, twice.
            int own = 2 * submodules * i % pieces.Length;
            (keys[i], values[i]) = (Reshape.Apply(pieces[own], shape), Reshape.Apply(pieces[own + 1], shape));
        }
        return new PrefixKeyValues(keys, values);
    }

    private static Parameter Own(string name, params ReadOnlySpan<int> shape) => new($"prompt_encoder.{name}", new Shape(shape), Category.Adapters) { Trainable = true };
}
