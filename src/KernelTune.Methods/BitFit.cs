using System.Text.Json.Nodes;
using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Modules;

namespace KernelTune.Methods;

/// <summary>BitFit's settings.</summary>
public sealed record BitFitConfig
{
    /// <summary>PEFT has no such method: the name is ours. Its file holds the biases under the model's own names.</summary>
    public const string PeftType = "BITFIT";

    /// <summary>Whether a Llama without biases is built with attention_bias and mlp_bias; the added ones start at zero.</summary>
    public bool AddBiases { get; init; }

    /// <summary>Modules that train whole beside the biases and are saved with them, as the paper's classifiers are; null: none.</summary>
    public IReadOnlyList<string>? ModulesToSave { get; init; }

    /// <summary>Reads adapter_config.json.</summary>
    /// <exception cref="CheckpointException">A value has the wrong type, or peft_type is not BITFIT.</exception>
    public static BitFitConfig Read(JsonSettings json, ICollection<string> dropped)
    {
        PeftKeys.Check(json, PeftType, dropped, "add_biases");
        return new BitFitConfig { AddBiases = json.Bool("add_biases", false), ModulesToSave = PeftKeys.Names(json, "modules_to_save") };
    }

    /// <summary>The keys of adapter_config.json.</summary>
    public JsonObject ToJson(string? baseName, string? taskType)
    {
        var json = PeftKeys.Common(PeftType, taskType, baseName, ModulesToSave);
        json["add_biases"] = AddBiases;
        return json;
    }

    /// <summary>The model's configuration with what this method wants of it: with <see cref="AddBiases"/> the flags that give a Llama its biases.</summary>
    /// <exception cref="MethodException">The architecture has no such flags.</exception>
    public JsonSettings Amend(JsonSettings config)
    {
        if (!AddBiases)
            return config;
        string type = config.StringOrNull("model_type") ?? "";
        if (type != "llama")
            throw new MethodException($"add_biases: models of type '{type}' have no flags for biases; llama has attention_bias and mlp_bias");
        var amended = (JsonObject)JsonNode.Parse(config.Root.GetRawText())!;
        amended["attention_bias"] = true;
        amended["mlp_bias"] = true;
        return JsonSettings.Parse(config.File, SortedJson.Bytes(amended));
    }
}

/// <summary>
/// BitFit (Ben Zaken et al., 2022): every bias of the model trains, and beside them only what modules_to_save names. All of it is the model's own, so merging is saving the model.
/// </summary>
public sealed class BitFit : IMethod
{
    private readonly AdapterTensors tensors = new();

    private int biases;

    private BitFit(BitFitConfig config) => Config = config;

    public string Description => FormattableString.Invariant($"bitfit, {biases} biases") + (Config.ModulesToSave is { Count: > 0 } whole ? $", {string.Join(", ", whole)} whole" : "");

    public bool IsAdapter => true;

    public string Library => "kerneltune";

    public int Passes => 2;

    public IReadOnlyList<Parameter> Trainable => tensors.Parameters;

    public IReadOnlyList<string> Warnings => [];

    public string? WhyUnmergeable => null;

    public BitFitConfig Config { get; }

    /// <summary>What it trains, under the model's own names.</summary>
    public AdapterTensors Tensors => tensors;

    /// <summary>Marks the biases of a model. With add_biases those that the base's file lacks start at zero.</summary>
    /// <exception cref="MethodException">The model has none, or a module to save is not there.</exception>
    public static BitFit Attach(Module model, BitFitConfig config)
    {
        var method = new BitFit(config);
        foreach (var parameter in model.BaseParameters().Where(p => p.Path.EndsWith("bias", StringComparison.Ordinal)))
        {
            parameter.ZeroWhereAbsent = config.AddBiases;
            method.tensors.Add(parameter.Path, parameter);
        }
        if (method.tensors.Parameters.Count == 0)
            throw new MethodException("BitFit trains biases, and this model has none: bitfit: { add_biases: true } builds a Llama with attention_bias and mlp_bias, which start at zero");
        method.biases = method.tensors.Parameters.Count;
        WholeModules.Take(model, config.ModulesToSave, "", method.tensors);
        return method;
    }

    /// <summary>The biases start as the base has them.</summary>
    public void Initialize(Device device, ulong seed)
    {
    }

    public IReadOnlyList<string> Load(Device device, AdapterFolder folder) => tensors.Load(device, folder.Weights);

    public void Save(AtomicFolder folder, string baseName, string? taskType) => AdapterFolder.Write(folder, Config.ToJson(baseName, taskType), tensors.ToSave());

    // What trains are the base's own parameters: nothing else changes when they are merged.
    public bool Changes(Parameter parameter, string modulePath) => false;

    public float[] Merged(Parameter parameter, string modulePath) => throw new MethodException($"{modulePath} is not adapted");
}
