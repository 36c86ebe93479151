using System.Text.Json.Nodes;
using KernelTune.Checkpoints;

namespace KernelTune.Methods;

/// <summary>(IA)³'s settings (Liu et al., 2022) under PEFT's names and with PEFT's defaults.</summary>
public sealed record Ia3Config
{
    public const string PeftType = "IA3";

    /// <summary>The layers; null: the defaults of the model's type.</summary>
    public ModuleSelection? TargetModules { get; init; }

    public ModuleSelection? ExcludeModules { get; init; }

    /// <summary>Those of the layers whose input is scaled, not the output; null: the defaults of the model's type. A name means every path that ends with it.</summary>
    public ModuleSelection? FeedforwardModules { get; init; }

    /// <summary>Modules that train whole and are saved: every path that ends with one of the names.</summary>
    public IReadOnlyList<string>? ModulesToSave { get; init; }

    /// <summary>Whether the targeted weights are stored [in, out].</summary>
    public bool FanInFanOut { get; init; }

    /// <summary>Whether a fresh adapter starts at one, which leaves the model as it is; false: normally distributed.</summary>
    public bool InitIa3Weights { get; init; } = true;

    public string? TaskType { get; init; }

    /// <summary>Reads adapter_config.json.</summary>
    /// <param name="json">The file.</param>
    /// <param name="dropped">Receives the names of keys that PEFT does not know.</param>
    /// <exception cref="CheckpointException">A value has the wrong type, or peft_type is not IA3.</exception>
    /// <exception cref="MethodException">An expression cannot be read.</exception>
    public static Ia3Config Read(JsonSettings json, ICollection<string> dropped)
    {
        PeftKeys.Check(json, PeftType, dropped, "target_modules", "exclude_modules", "feedforward_modules", "fan_in_fan_out", "init_ia3_weights");
        return new Ia3Config
        {
            TargetModules = PeftKeys.Selection(json, "target_modules"),
            ExcludeModules = PeftKeys.Selection(json, "exclude_modules"),
            FeedforwardModules = PeftKeys.Selection(json, "feedforward_modules"),
            ModulesToSave = PeftKeys.Names(json, "modules_to_save"),
            FanInFanOut = json.Bool("fan_in_fan_out", false),
            InitIa3Weights = json.Bool("init_ia3_weights", true),
            TaskType = json.StringOrNull("task_type"),
        };
    }

    /// <summary>The keys of adapter_config.json, all that PEFT writes.</summary>
    public JsonObject ToJson(string? baseName, string? taskType)
    {
        var json = PeftKeys.Common(PeftType, taskType ?? TaskType, baseName, ModulesToSave);
        json["target_modules"] = PeftKeys.Selection(TargetModules);
        json["exclude_modules"] = PeftKeys.Selection(ExcludeModules);
        json["feedforward_modules"] = PeftKeys.Selection(FeedforwardModules);
        json["fan_in_fan_out"] = FanInFanOut;
        json["init_ia3_weights"] = InitIa3Weights;
        return json;
    }
}

/// <summary>Where (IA)³ goes when target_modules and feedforward_modules are not given, by the model's type (PEFT's tables).</summary>
public static class Ia3DefaultTargets
{
    private static readonly Dictionary<string, (string[] Targets, string[] FeedForward)> ByModelType = Table();

    /// <summary>The defaults of a model type.</summary>
    /// <exception cref="MethodException">The type has none: the setting must be given.</exception>
    public static (ModuleSelection Targets, ModuleSelection FeedForward) Of(string modelType, string setting) => ByModelType.TryGetValue(modelType, out var names)
        ? (ModuleSelection.Of(names.Targets), ModuleSelection.Of(names.FeedForward))
        : throw new MethodException($"{setting} is not given, and models of type '{modelType}' have no default: name the layers");

    private static Dictionary<string, (string[] Targets, string[] FeedForward)> Table()
    {
        Dictionary<string, (string[] Targets, string[] FeedForward)> table = new(StringComparer.Ordinal)
        {
            ["t5"] = (["k", "v", "wo"], ["wo"]),
            ["mt5"] = (["k", "v", "wi_1"], []),
            ["bloom"] = (["query_key_value", "mlp.dense_4h_to_h"], ["mlp.dense_4h_to_h"]),
            ["roberta"] = (["key", "value", "output.dense"], ["output.dense"]),
            ["bert"] = (["key", "value", "output.dense"], ["output.dense"]),
            ["opt"] = (["q_proj", "k_proj", "fc2"], ["fc2"]),
            ["gptj"] = (["q_proj", "v_proj", "fc_out"], ["fc_out"]),
            ["gpt_neo"] = (["q_proj", "v_proj", "c_proj"], ["c_proj"]),
            ["bart"] = (["q_proj", "v_proj", "fc2"], ["fc2"]),
            ["phi"] = (["q_proj", "v_proj", "fc2"], ["fc2"]),
            ["mixtral"] = (["k_proj", "v_proj", "w2"], ["w2"]),
            ["deberta-v2"] = (["key_proj", "value_proj", "output.dense"], ["output.dense"]),
            ["deberta"] = (["in_proj", "output.dense"], ["output.dense"]),
        };
        Add(["c_attn", "mlp.c_proj"], "mlp.c_proj", "gpt2", "gpt_bigcode");
        Add(["k_proj", "v_proj", "down_proj"], "down_proj", "llama", "mistral");
        Add(["q_proj", "v_proj", "down_proj"], "down_proj", "llama4", "gemma", "gemma2", "gemma3_text", "qwen2", "qwen3");
        Add(["query_key_value", "dense_4h_to_h"], "dense_4h_to_h", "gpt_neox", "RefinedWebModel", "RefinedWeb", "falcon");
        return table;

        void Add(string[] targets, string feedForward, params string[] types)
        {
            foreach (string type in types)
                table[type] = (targets, [feedForward]);
        }
    }
}
