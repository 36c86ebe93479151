namespace KernelTune.Checkpoints;

/// <summary>Three projects call their file adapter_config.json; PEFT's is read here, and adapter-hub's.</summary>
internal static class AdapterDialects
{
    /// <summary>Whether it is adapter-hub's: settings below "config", and no name of a method.</summary>
    public static bool IsHub(JsonSettings config) =>
        !config.Has("peft_type") && !config.Has("fine_tune_type") && config.Has("config") && config.Root.GetProperty("config").ValueKind == System.Text.Json.JsonValueKind.Object;

    /// <summary>"BOTTLENECK", or "adapter-hub" and what "architecture" says: its prefixes and LoRAs are not PEFT's.</summary>
    public static string HubMethod(JsonSettings config) => config.Object("config")?.StringOrNull("architecture") is { } other ? $"adapter-hub {other}" : "BOTTLENECK";

    /// <exception cref="CheckpointException">mlx-lm's config, or none that is known.</exception>
    public static void RequirePeft(JsonSettings config)
    {
        if (config.Has("peft_type"))
            return;
        if (config.Has("fine_tune_type"))
            throw config.Bad("fine_tune_type", "an mlx-lm adapter was found, PEFT's (with peft_type) wanted");
        throw config.Bad("peft_type", "absent, a PEFT method such as \"LORA\" wanted");
    }
}
