using System.Text.Json.Nodes;
using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;
using KernelTune.Modules;

namespace KernelTune.Methods;

/// <summary>How a soft prompt starts.</summary>
public enum PromptInit
{
    /// <summary>Normally distributed with deviation 1.</summary>
    Random,

    /// <summary>The embeddings of a text, repeated or cut to the prompt's length.</summary>
    Text,

    /// <summary>The embeddings of tokens drawn from the vocabulary.</summary>
    SampleVocab,
}

/// <summary>Prompt tuning's settings under PEFT's names and with PEFT's defaults.</summary>
public sealed record PromptTuningConfig
{
    public const string PeftType = "PROMPT_TUNING";

    /// <summary>n.</summary>
    public int NumVirtualTokens { get; init; } = 20;

    /// <summary>How often n embeddings are kept; null: twice for an encoder-decoder, of which only the first n are used, else once.</summary>
    public int? NumTransformerSubmodules { get; init; }

    public PromptInit Init { get; init; }

    public string? InitText { get; init; }

    public string? TokenizerNameOrPath { get; init; }

    public IReadOnlyList<string>? ModulesToSave { get; init; }

    public string? TaskType { get; init; }

    /// <summary>Reads adapter_config.json.</summary>
    /// <exception cref="CheckpointException">A value has the wrong type, or peft_type is another.</exception>
    public static PromptTuningConfig Read(JsonSettings json, ICollection<string> dropped)
    {
        PeftKeys.Check(json, PeftType, dropped, "num_virtual_tokens", "token_dim", "num_transformer_submodules", "num_attention_heads", "num_layers", "prompt_tuning_init",
            "prompt_tuning_init_text", "tokenizer_name_or_path", "tokenizer_kwargs");
        return new PromptTuningConfig
        {
            NumVirtualTokens = json.Int("num_virtual_tokens"),
            NumTransformerSubmodules = PromptShapes.Submodules(json),
            Init = json.StringOrNull("prompt_tuning_init") switch
            {
                null or "RANDOM" => PromptInit.Random,
                "TEXT" => PromptInit.Text,
                "SAMPLE_VOCAB" => PromptInit.SampleVocab,
                var other => throw json.Bad("prompt_tuning_init", $"{CheckpointException.Quote(other)} was found, one of RANDOM, TEXT, SAMPLE_VOCAB wanted"),
            },
            InitText = json.StringOrNull("prompt_tuning_init_text"),
            TokenizerNameOrPath = json.StringOrNull("tokenizer_name_or_path"),
            ModulesToSave = PeftKeys.Names(json, "modules_to_save"),
            TaskType = json.StringOrNull("task_type"),
        };
    }

    /// <summary>The keys of adapter_config.json, all that PEFT writes.</summary>
    public JsonObject ToJson(IDecoder decoder, string? baseName, string? taskType)
    {
        var json = PeftKeys.Common(PeftType, taskType ?? TaskType, baseName, ModulesToSave);
        PromptShapes.Write(json, NumVirtualTokens, decoder.HiddenSize, decoder.Heads, decoder.Layers, NumTransformerSubmodules ?? VirtualTokens.Submodules(decoder));
        json["prompt_tuning_init"] = Init switch { PromptInit.Text => "TEXT", PromptInit.SampleVocab => "SAMPLE_VOCAB", _ => "RANDOM" };
        json["prompt_tuning_init_text"] = InitText;
        json["tokenizer_name_or_path"] = TokenizerNameOrPath ?? (Init == PromptInit.Text ? baseName : null);
        json["tokenizer_kwargs"] = null;
        return json;
    }
}

/// <summary>
/// Prompt tuning (Lester et al., 2021): n trained embeddings in front of those of every text; all else is frozen. They take the positions 0 … n − 1, and the last of them predicts the first token.
/// An encoder-decoder has them in front of what its encoder reads.
/// </summary>
public sealed class PromptTuning : IMethod
{
    private readonly AdapterTensors tensors = new();
    private readonly SoftPromptInput occupant;

    private readonly Func<string, IReadOnlyList<int>>? tokenize;

    private PromptTuning(PromptTuningConfig config, IDecoder decoder, Func<string, IReadOnlyList<int>>? tokenize)
    {
        (Config, Decoder, this.tokenize) = (config, decoder, tokenize);
        occupant = new SoftPromptInput(config.NumVirtualTokens, config.NumTransformerSubmodules ?? VirtualTokens.Submodules(decoder), decoder.HiddenSize);
        tensors.Add("prompt_embeddings", occupant.Embedding);
    }

    public string Description => FormattableString.Invariant($"prompt tuning, {Config.NumVirtualTokens} virtual tokens");

    public bool IsAdapter => true;

    public int Passes => 2;

    public IReadOnlyList<Parameter> Trainable => tensors.Parameters;

    public IReadOnlyList<string> Warnings => [];

    public string? WhyUnmergeable => "a soft prompt is part of the input and cannot be merged into the base's weights";

    public PromptTuningConfig Config { get; }

    private IDecoder Decoder { get; }

    /// <summary>What it trains, by its names in adapter_model.safetensors.</summary>
    public AdapterTensors Tensors => tensors;

    /// <summary>The trained prompt, [n, C]; for an encoder-decoder [2n, C].</summary>
    public Parameter Embedding => occupant.Embedding;

    /// <summary>Occupies the input of a decoder.</summary>
    /// <param name="model">The decoder.</param>
    /// <param name="config">The settings.</param>
    /// <param name="tokenize">The tokens of a text with the tokenizer's special ones; wanted where a fresh prompt starts from a text.</param>
    /// <exception cref="MethodException">A setting is wrong, or the model has no room for the prompt.</exception>
    public static PromptTuning Attach(Module model, PromptTuningConfig config, Func<string, IReadOnlyList<int>>? tokenize = null)
    {
        var (site, decoder) = VirtualTokens.DecoderOf(model, "prompt tuning", beforeEncoder: true);
        PromptShapes.CheckCount(config.NumVirtualTokens, decoder);
        PromptShapes.CheckSubmodules(config.NumTransformerSubmodules, decoder);
        if (config.Init == PromptInit.Text && config.InitText is null)
            throw new MethodException("prompt_tuning_init is text, and prompt_tuning_init_text is not given");
        var method = new PromptTuning(config, decoder, tokenize);
        site.Occupy(method.occupant);
        WholeModules.Take(model, config.ModulesToSave, PromptShapes.NamePrefix, method.tensors);
        return method;
    }

    /// <summary>Fresh embeddings: normally distributed, or rows of the token table.</summary>
    /// <exception cref="MethodException">The initial text has no tokens, or there is no tokenizer for it.</exception>
    public void Initialize(Device device, ulong seed)
    {
        if (Config.Init == PromptInit.Random)
        {
            FreshValues.Normal(device, Embedding, seed, 1);
            return;
        }
        int count = Embedding.Shape[0];
        var text = Config.Init == PromptInit.Text ? (tokenize ?? throw new MethodException("prompt_tuning_init is text, and there is no tokenizer"))(Config.InitText!) : [];
        if (Config.Init == PromptInit.Text && text.Count == 0)
            throw new MethodException("prompt_tuning_init_text has no tokens");
        int[] ids = Config.Init == PromptInit.SampleVocab
            ? FreshValues.Below(Decoder.TokenTable.Rows, count, seed, Embedding.Path)
            : [.. Enumerable.Range(0, count).Select(i => text[i % text.Count])];
        using var session = new Session(device);
        var rows = Decoder.TokenTable.Forward(session.Upload<int>(ids, new Shape(count), DType.I64));
        var numbers = new float[Embedding.Shape.Elements];
        device.Read<float>(rows.View, numbers);
        Embedding.Load(device, numbers);
    }

    public IReadOnlyList<string> Load(Device device, AdapterFolder folder) => tensors.Load(device, folder.Weights);

    public void Save(AtomicFolder folder, string baseName, string? taskType) => AdapterFolder.Write(folder, Config.ToJson(Decoder, baseName, taskType), tensors.ToSave());

    public bool Changes(Parameter parameter, string modulePath) => false;

    public float[] Merged(Parameter parameter, string modulePath) => throw new MethodException(WhyUnmergeable!);
}

/// <summary>The soft prompt at the input of a decoder, or of an encoder.</summary>
internal sealed class SoftPromptInput : IOccupant<TokenInput, Tensor>, IVirtualTokens
{
    public SoftPromptInput(int count, int submodules, int width)
    {
        Count = count;
        Embedding = new Parameter("prompt_encoder.embedding.weight", new Shape(count * submodules, width), Category.Adapters) { Trainable = true };
    }

    public Parameter Embedding { get; }

    public int Count { get; }

    public bool HaveHiddenStates => true;

    public IReadOnlyList<Parameter> Parameters => [Embedding];

    public Tensor Forward(Module<TokenInput, Tensor> site, in TokenInput x)
    {
        var longer = VirtualTokens.Lengthened(x, Count, HaveHiddenStates, "prompt tuning", out bool isFirst);
        return site.Forward(isFirst ? longer with { Prompt = Slice.Apply(Leaf.Apply(x.Session, Embedding), 0, 0, Count) } : longer);
    }
}

/// <summary>The keys that PEFT writes for every method with virtual tokens.</summary>
internal static class PromptShapes
{
    /// <summary>What PEFT puts in front of a model's own names here: these methods do not wrap it a second time.</summary>
    public const string NamePrefix = "base_model.";

    /// <summary>num_transformer_submodules; null: the file does not say.</summary>
    /// <exception cref="CheckpointException">It is neither 1 nor 2.</exception>
    public static int? Submodules(JsonSettings json) => json.IntOrNull("num_transformer_submodules") is var found and (null or 1 or 2)
        ? found
        : throw json.Bad("num_transformer_submodules", $"{json.Int("num_transformer_submodules")} was found, 1 (a decoder) or 2 (an encoder and a decoder) wanted");

    /// <exception cref="MethodException">A prompt of an encoder-decoder on a decoder alone.</exception>
    public static void CheckSubmodules(int? found, IDecoder decoder)
    {
        if (found > VirtualTokens.Submodules(decoder))
            throw new MethodException($"num_transformer_submodules is {found}, an encoder-decoder's; {decoder.Architecture} is a decoder alone");
    }

    /// <exception cref="MethodException">None, or more than the model has positions.</exception>
    public static void CheckCount(int count, IDecoder decoder)
    {
        if (count < 1 || count >= decoder.MaxPositions)
            throw new MethodException($"num_virtual_tokens is {count}, wanted 1 or more and fewer than the model's {decoder.MaxPositions} positions");
    }

    public static void Write(JsonObject json, int count, int tokenDim, int heads, int layers, int submodules)
    {
        json["num_virtual_tokens"] = count;
        json["token_dim"] = tokenDim;
        json["num_transformer_submodules"] = submodules;
        json["num_attention_heads"] = heads;
        json["num_layers"] = layers;
    }
}
