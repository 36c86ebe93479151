namespace KernelTune.Checkpoints;

/// <summary>Three projects call their file adapter_config.json; one of them is read here.</summary>
internal static class AdapterDialects
{
    /// <exception cref="CheckpointException">mlx-lm's or adapter-hub's config, or none that is known.</exception>
    public static void RequirePeft(JsonSettings config)
    {
        if (config.Has("peft_type"))
            return;
        if (config.Has("fine_tune_type"))
            throw config.Bad("fine_tune_type", "an mlx-lm adapter was found, PEFT's (with peft_type) wanted");
        if (config.Has("config"))
            throw config.Bad("config", "an adapter-hub adapter was found, PEFT's (with peft_type) wanted");
        throw config.Bad("peft_type", "absent, a PEFT method such as \"LORA\" wanted");
    }
}
