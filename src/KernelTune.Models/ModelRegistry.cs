using KernelTune.Checkpoints;

namespace KernelTune.Models;

/// <summary>Builds the model that a configuration names. An architecture that is not here is refused: no code that comes with a model is ever run.</summary>
public static class ModelRegistry
{
    /// <summary>The architectures that can be built.</summary>
    public static IReadOnlyList<string> Architectures { get; } = ["LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "GPT2LMHeadModel", "T5ForConditionalGeneration", "MT5ForConditionalGeneration"];

    /// <summary>The language model of a configuration, without weights: a decoder, with an encoder or without (<see cref="EncoderDecoder"/>).</summary>
    /// <exception cref="CheckpointException">The architecture is unknown, or a setting is wrong.</exception>
    public static CausalLanguageModel CausalLanguageModel(JsonSettings config)
    {
        string architecture = Named(config) ?? config.StringOrNull("model_type") switch
        {
            "llama" => "LlamaForCausalLM",
            "mistral" => "MistralForCausalLM",
            "qwen2" => "Qwen2ForCausalLM",
            "gpt2" => "GPT2LMHeadModel",
            "t5" => "T5ForConditionalGeneration",
            "mt5" => "MT5ForConditionalGeneration",
            _ => throw config.Bad("architectures", "missing, and model_type names no model that is known"),
        };
        return architecture switch
        {
            "LlamaForCausalLM" => new Llama(config, architecture, "llama"),
            "MistralForCausalLM" => new Llama(config, architecture, "mistral"),
            "Qwen2ForCausalLM" => new Llama(config, architecture, "qwen2"),
            "GPT2LMHeadModel" or "GPT2Model" => new Gpt2(config, architecture),
            "T5ForConditionalGeneration" or "T5WithLMHeadModel" or "MT5ForConditionalGeneration" => new T5(config, architecture),
            _ => throw config.Bad("architectures", $"{CheckpointException.Quote(architecture)} is not known; known are {string.Join(", ", Architectures)}"),
        };
    }

    /// <summary>The classifiers of pictures that can be built, beside timm's names of whole ResNets.</summary>
    public static IReadOnlyList<string> ImageArchitectures { get; } = ["ResNetForImageClassification", "torchvision.ResNet", "timm.ResNet"];

    /// <summary>True for a configuration that names a classifier of pictures.</summary>
    public static bool IsImageClassifier(JsonSettings config)
    {
        ArgumentNullException.ThrowIfNull(config);
        string? named = Named(config) ?? config.StringOrNull("architecture");
        return named is null ? config.StringOrNull("model_type") == "resnet" : ImageArchitectures.Contains(named) || ResNetSettings.TimmVariants.ContainsKey(named);
    }

    /// <summary>The classifier of pictures of a configuration, without weights: Transformers' "architectures", or a library's own "architecture".</summary>
    /// <exception cref="CheckpointException">The architecture is unknown, or a setting is wrong.</exception>
    public static ImageClassifier ImageClassifier(JsonSettings config)
    {
        string architecture = Named(config) ?? config.StringOrNull("architecture") ?? config.StringOrNull("model_type") switch
        {
            "resnet" => "ResNetForImageClassification",
            _ => throw config.Bad("architectures", "missing, and model_type names no classifier of pictures that is known"),
        };
        if (ImageArchitectures.Contains(architecture) || ResNetSettings.TimmVariants.ContainsKey(architecture))
            return new ResNet(config, architecture);
        throw config.Bad(config.Has("architectures") ? "architectures" : "architecture", $"{CheckpointException.Quote(architecture)} is not known; known are {string.Join(", ", ImageArchitectures)}");
    }
    // The first of Transformers' "architectures"; null: none is named.
    private static string? Named(JsonSettings config) => config.Strings("architectures") is [var first, ..] ? first : null;
}
