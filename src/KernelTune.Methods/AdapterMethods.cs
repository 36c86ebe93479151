using KernelTune.Checkpoints;
using KernelTune.Modules;

namespace KernelTune.Methods;

/// <summary>Puts an adapter that exists on a model: its configuration says which method it is.</summary>
public static class AdapterMethods
{
    /// <summary>The values of peft_type that are known.</summary>
    public static IReadOnlyList<string> PeftTypes { get; } = ["LORA"];

    /// <summary>Attaches the method of an adapter_config.json, without its weights.</summary>
    /// <param name="model">The model, before its weights are loaded.</param>
    /// <param name="modelType">config.json's model_type.</param>
    /// <param name="config">adapter_config.json.</param>
    /// <param name="note">Told what a user should know: keys that were left out.</param>
    /// <exception cref="CheckpointException">The method is not known, or a setting is wrong.</exception>
    /// <exception cref="MethodException">A setting asks for something that is not built.</exception>
    public static IMethod Attach(Module model, string modelType, JsonSettings config, Action<string>? note = null)
    {
        string type = config.String("peft_type");
        if (!PeftTypes.Contains(type))
            throw config.Bad("peft_type", $"{CheckpointException.Quote(type)} was found, one of {string.Join(", ", PeftTypes)} wanted");
        var dropped = new List<string>();
        var read = LoraConfigJson.Read(config, dropped);
        foreach (string key in dropped)
            note?.Invoke($"{config.File}: key {CheckpointException.Quote(key)} is not known and was left out");
        if (read.BeyondPlain(fresh: false) is [var beyond, ..])
            throw new MethodException($"{config.File}: {beyond} is not built yet");
        return Lora.Attach(model, modelType, read);
    }
}
