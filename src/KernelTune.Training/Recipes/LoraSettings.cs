using KernelTune.Methods;

namespace KernelTune.Training.Recipes;

/// <summary>LoRA as a recipe asks for it: PEFT's configuration, and LoRA+, which is a matter of learning rates.</summary>
public sealed record LoraSettings
{
    /// <summary>Rank 8, α 16, every linear layer of the body, where a recipe says nothing. <see cref="LoraConfig.FanInFanOut"/> is the model's, not the recipe's.</summary>
    public LoraConfig Config { get; init; } = new() { R = 8, LoraAlpha = 16, TargetModules = ModuleSelection.Matching(ModuleSelection.AllLinear) };

    /// <summary>Whether the base stores its weights [in, out], as GPT-2's Conv1D does; null: what the model does.</summary>
    public bool? FanInFanOut { get; init; }

    /// <summary>LoRA+ (Hayou et al., 2024): B learns this many times faster than A; null: at the same rate.</summary>
    public double? LoraplusLrRatio { get; init; }

    /// <summary>LoRA+: the learning rate of adapted embeddings; read where <see cref="LoraplusLrRatio"/> is given.</summary>
    public double LoraplusLrEmbedding { get; init; } = 1e-6;
}
