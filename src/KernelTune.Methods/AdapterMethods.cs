using KernelTune.Checkpoints;
using KernelTune.Modules;

namespace KernelTune.Methods;

/// <summary>Puts an adapter that exists on a model: its configuration says which method it is.</summary>
public static class AdapterMethods
{
    /// <summary>The values of peft_type that are known. BOTTLENECK stands for adapter-hub's bottleneck adapters, BITFIT is our own.</summary>
    public static IReadOnlyList<string> PeftTypes { get; } =
        ["LORA", Ia3Config.PeftType, BitFitConfig.PeftType, PromptTuningConfig.PeftType, PrefixTuningConfig.PeftType, BottleneckConfig.PeftType, TrainableTokensConfig.PeftType];

    /// <summary>The model's configuration with what an adapter wants of it; to be asked before the model is built.</summary>
    /// <param name="model">config.json.</param>
    /// <param name="adapter">adapter_config.json.</param>
    /// <exception cref="MethodException">The model cannot be built so.</exception>
    public static JsonSettings Amend(JsonSettings model, JsonSettings adapter) =>
        adapter.StringOrNull("peft_type") == BitFitConfig.PeftType ? BitFitConfig.Read(adapter, []).Amend(model) : model;

    /// <summary>How many virtual tokens an adapter puts in front of every text.</summary>
    public static int VirtualTokens(JsonSettings adapter) =>
        adapter.StringOrNull("peft_type") is PromptTuningConfig.PeftType or PrefixTuningConfig.PeftType ? adapter.Int("num_virtual_tokens", 0) : 0;

    /// <summary>Attaches the method of an adapter_config.json, without its weights.</summary>
    /// <param name="model">The model, before its weights are loaded.</param>
    /// <param name="modelType">config.json's model_type.</param>
    /// <param name="config">adapter_config.json.</param>
    /// <param name="note">Told what a user should know: keys that were left out.</param>
    /// <param name="training">Whether it will be trained further: a reparameterised prefix then needs its perceptron.</param>
    /// <exception cref="CheckpointException">The method is not known, or a setting is wrong.</exception>
    /// <exception cref="MethodException">A setting asks for something that is not built.</exception>
    public static IMethod Attach(Module model, string modelType, JsonSettings config, Action<string>? note = null, bool training = false)
    {
        string type = AdapterFolder.MethodOf(config);
        var dropped = new List<string>();
        IMethod method = type switch
        {
            "LORA" => OfLora(model, modelType, config, dropped),
            Ia3Config.PeftType => Ia3.Attach(model, modelType, Ia3Config.Read(config, dropped)),
            BitFitConfig.PeftType => BitFit.Attach(model, BitFitConfig.Read(config, dropped)),
            PromptTuningConfig.PeftType => PromptTuning.Attach(model, PromptTuningConfig.Read(config, dropped)),
            PrefixTuningConfig.PeftType => PrefixTuning.Attach(model, PrefixTuningConfig.Read(config, dropped), projected: training),
            TrainableTokensConfig.PeftType => TrainableTokens.Attach(model, TrainableTokensConfig.Read(config, dropped)),
            BottleneckConfig.PeftType => Bottleneck.Attach(model, BottleneckConfigJson.Read(config, dropped)),
            _ => throw config.Bad("peft_type", $"{CheckpointException.Quote(type)} was found, one of {string.Join(", ", PeftTypes)} wanted"),
        };
        foreach (string key in dropped)
            note?.Invoke($"{config.File}: key {CheckpointException.Quote(key)} is not known and was left out");
        return method;
    }

    private static Lora OfLora(Module model, string modelType, JsonSettings config, List<string> dropped)
    {
        var read = LoraConfigJson.Read(config, dropped);
        return read.BeyondPlain(fresh: false) is [var beyond, ..] ? throw new MethodException($"{config.File}: {beyond} is not built yet") : Lora.Attach(model, modelType, read);
    }
}
