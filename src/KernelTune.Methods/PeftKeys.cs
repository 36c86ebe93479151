using System.Text.Json;
using System.Text.Json.Nodes;
using KernelTune.Checkpoints;

namespace KernelTune.Methods;

/// <summary>The keys that every adapter_config.json of PEFT has, and the ways in which values are written there.</summary>
internal static class PeftKeys
{
    private static readonly string[] Everywhere =
        ["peft_type", "peft_version", "inference_mode", "task_type", "base_model_name_or_path", "revision", "auto_mapping", "modules_to_save"];

    /// <summary>Checks the method's name and notes the keys that are neither common nor among <paramref name="known"/>.</summary>
    /// <exception cref="CheckpointException">It is an adapter of another method.</exception>
    public static void Check(JsonSettings json, string method, ICollection<string> dropped, params ReadOnlySpan<string> known)
    {
        string type = json.String("peft_type");
        if (type != method)
            throw json.Bad("peft_type", $"{CheckpointException.Quote(type)} was found, \"{method}\" wanted");
        foreach (JsonProperty p in json.Root.EnumerateObject())
            if (!Everywhere.Contains(p.Name) && !known.Contains(p.Name))
                dropped.Add(p.Name);
    }

    /// <summary>A configuration's start: the common keys.</summary>
    public static JsonObject Common(string method, string? taskType, string? baseName, IReadOnlyList<string>? modulesToSave) => new()
    {
        ["auto_mapping"] = null,
        ["base_model_name_or_path"] = baseName,
        ["inference_mode"] = true,
        ["modules_to_save"] = Strings(modulesToSave),
        ["peft_type"] = method,
        ["peft_version"] = LoraConfig.WrittenFormat,
        ["revision"] = null,
        ["task_type"] = taskType,
    };

    public static IReadOnlyList<string>? Names(JsonSettings json, string key) => json.Has(key) ? json.Strings(key) : null;

    public static ModuleSelection? Selection(JsonSettings json, string key)
    {
        if (!json.Has(key))
            return null;
        return json.Root.GetProperty(key).ValueKind == JsonValueKind.String ? ModuleSelection.Matching(json.String(key)) : ModuleSelection.Of(json.Strings(key));
    }

    public static JsonNode? Selection(ModuleSelection? selection) => selection?.Pattern is { } pattern ? pattern : Strings(selection?.Names);

    public static JsonArray? Strings(IReadOnlyList<string>? texts) => texts is null ? null : new JsonArray([.. texts.Select(t => (JsonNode?)t)]);

    /// <summary>An integer where it is one: many of the libraries' numbers are declared so.</summary>
    public static JsonValue Number(double value) => value == Math.Truncate(value) && Math.Abs(value) < 1e15 ? JsonValue.Create((long)value) : JsonValue.Create(value);
}
