using System.Text.Json;
using System.Text.Json.Nodes;
using KernelTune.Checkpoints;

namespace KernelTune.Methods;

/// <summary>Reads and writes LoRA's adapter_config.json: the keys of PEFT 0.21.</summary>
public static class LoraConfigJson
{
    /// <summary>Keys that PEFT knows and that are kept as they are, with PEFT's defaults.</summary>
    private static readonly Dictionary<string, string> Defaults = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["alora_invocation_tokens"] = "null", ["arrow_config"] = "null", ["auto_mapping"] = "null", ["corda_config"] = "null", ["ensure_weight_tying"] = "false",
        ["eva_config"] = "null", ["kasa_config"] = "null", ["layer_replication"] = "null", ["loftq_config"] = "{}", ["lora_ga_config"] = "null",
        ["megatron_config"] = "null", ["megatron_core"] = "\"megatron.core\"", ["monteclora_config"] = "null", ["qalora_group_size"] = "16",
        ["target_parameters"] = "null", ["trainable_token_indices"] = "null", ["use_bdlora"] = "null", ["use_qalora"] = "false", ["velora_config"] = "null",
    };

    private static readonly string[] Own =
    [
        "r", "lora_alpha", "lora_dropout", "target_modules", "exclude_modules", "layers_to_transform", "layers_pattern", "bias", "fan_in_fan_out", "use_rslora", "use_dora", "lora_bias",
        "init_lora_weights", "rank_pattern", "alpha_pattern",
    ];

    /// <summary>Reads the settings.</summary>
    /// <param name="json">adapter_config.json.</param>
    /// <param name="dropped">Receives the names of keys that PEFT does not know: they are dropped.</param>
    /// <exception cref="CheckpointException">A value has the wrong type, or peft_type is not LORA.</exception>
    /// <exception cref="MethodException">An expression cannot be read.</exception>
    public static LoraConfig Read(JsonSettings json, ICollection<string> dropped)
    {
        PeftKeys.Check(json, "LORA", dropped, [.. Own, .. Defaults.Keys]);
        JsonObject others = [];
        foreach (JsonProperty p in json.Root.EnumerateObject())
            if (Defaults.ContainsKey(p.Name))
                others[p.Name] = JsonNode.Parse(p.Value.GetRawText());

        return new LoraConfig
        {
            R = json.Int("r", 8),
            LoraAlpha = json.Double("lora_alpha", 8),
            LoraDropout = json.Double("lora_dropout", 0),
            TargetModules = PeftKeys.Selection(json, "target_modules"),
            ExcludeModules = PeftKeys.Selection(json, "exclude_modules"),
            ModulesToSave = PeftKeys.Names(json, "modules_to_save"),
            LayersToTransform = json.Has("layers_to_transform") ? json.Ints("layers_to_transform") : null,
            LayersPattern = PeftKeys.Names(json, "layers_pattern"),
            Bias = Bias(json),
            FanInFanOut = json.Bool("fan_in_fan_out", false),
            UseRslora = json.Bool("use_rslora", false),
            UseDora = json.Bool("use_dora", false),
            LoraBias = json.Bool("lora_bias", false),
            InitLoraWeights = Init(json),
            RankPattern = Pattern(json, "rank_pattern", static (map, key) => map.Int(key)),
            AlphaPattern = Pattern(json, "alpha_pattern", static (map, key) => map.Double(key)),
            TaskType = json.StringOrNull("task_type"),
            BaseModelNameOrPath = json.StringOrNull("base_model_name_or_path"),
            Revision = json.StringOrNull("revision"),
            Others = others,
        };
    }

    /// <summary>The keys of adapter_config.json, all that PEFT writes (<see cref="AdapterFolder.Write"/> sorts them).</summary>
    public static JsonObject Write(LoraConfig config)
    {
        JsonObject json = PeftKeys.Common("LORA", config.TaskType, config.BaseModelNameOrPath, config.ModulesToSave);
        foreach ((string key, string absent) in Defaults)
            json[key] = JsonNode.Parse(config.Others.TryGetPropertyValue(key, out JsonNode? kept) ? kept?.ToJsonString() ?? "null" : absent);
        json["r"] = config.R;
        json["lora_alpha"] = PeftKeys.Number(config.LoraAlpha);
        json["lora_dropout"] = config.LoraDropout;
        json["target_modules"] = PeftKeys.Selection(config.TargetModules);
        json["exclude_modules"] = PeftKeys.Selection(config.ExcludeModules);
        json["layers_to_transform"] = config.LayersToTransform is { } layers ? new JsonArray([.. layers.Select(n => (JsonNode?)n)]) : null;
        json["layers_pattern"] = config.LayersPattern is [var one] ? one : PeftKeys.Strings(config.LayersPattern);
        json["bias"] = config.Bias switch { LoraBiasMode.All => "all", LoraBiasMode.LoraOnly => "lora_only", _ => "none" };
        json["fan_in_fan_out"] = config.FanInFanOut;
        json["use_rslora"] = config.UseRslora;
        json["use_dora"] = config.UseDora;
        json["lora_bias"] = config.LoraBias;
        json["init_lora_weights"] = config.InitLoraWeights switch { "true" => true, "false" => false, var word => word };
        json["rank_pattern"] = new JsonObject(config.RankPattern.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value)));
        json["alpha_pattern"] = new JsonObject(config.AlphaPattern.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)PeftKeys.Number(p.Value))));
        json["revision"] = config.Revision;
        return json;
    }

    /// <summary>What PEFT notes of a model that has no task type: the class and where Transformers keeps it.</summary>
    public static JsonObject AutoMapping(string architecture, string modelType) => new()
    {
        ["base_model_class"] = architecture,
        ["parent_library"] = $"transformers.models.{modelType.Replace('-', '_')}.modeling_{modelType.Replace('-', '_')}",
    };

    private static LoraBiasMode Bias(JsonSettings json) => json.StringOrNull("bias") switch
    {
        null or "none" => LoraBiasMode.None,
        "all" => LoraBiasMode.All,
        "lora_only" => LoraBiasMode.LoraOnly,
        var other => throw json.Bad("bias", $"{CheckpointException.Quote(other)} was found, one of none, all, lora_only wanted"),
    };

    private static string Init(JsonSettings json)
    {
        if (!json.Has("init_lora_weights"))
            return "true";
        JsonElement value = json.Root.GetProperty("init_lora_weights");
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : json.Bool("init_lora_weights", true) ? "true" : "false";
    }

    private static KeyValuePair<string, T>[] Pattern<T>(JsonSettings json, string key, Func<JsonSettings, string, T> read) =>
        json.Object(key) is { } map ? [.. map.Root.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, read(map, p.Name)))] : [];
}
