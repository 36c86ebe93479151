namespace KernelTune.Training.Recipes;

/// <summary>How the recipe's named values are spelled.</summary>
public static class RecipeWords
{
    public static IReadOnlyList<(string Word, Initialization Value)> Initializations { get; } = [("pretrained", Initialization.Pretrained), ("random", Initialization.Random)];

    public static IReadOnlyList<(string Word, TaskKind Value)> Tasks { get; } = [("causal-lm", TaskKind.CausalLm)];

    public static IReadOnlyList<(string Word, MethodKind Value)> Methods { get; } = [("full", MethodKind.Full), ("lora", MethodKind.Lora)];

    public static IReadOnlyList<(string Word, ObjectiveKind Value)> Objectives { get; } = [("sft", ObjectiveKind.Sft)];

    public static IReadOnlyList<(string Word, OptimizerKind Value)> Optimizers { get; } = [("adamw", OptimizerKind.AdamW)];

    public static IReadOnlyList<(string Word, ScheduleKind Value)> Schedules { get; } =
        [("constant", ScheduleKind.Constant), ("linear", ScheduleKind.Linear), ("cosine", ScheduleKind.Cosine)];

    public static IReadOnlyList<(string Word, DataFormat Value)> Formats { get; } =
        [("auto", DataFormat.Auto), ("messages", DataFormat.Messages), ("prompt-completion", DataFormat.PromptCompletion), ("text", DataFormat.Text)];

    public static IReadOnlyList<(string Word, LossOn Value)> Losses { get; } =
        [("auto", LossOn.Auto), ("assistant", LossOn.Assistant), ("completion", LossOn.Completion), ("all", LossOn.All)];

    public static IReadOnlyList<(string Word, Precision Value)> Precisions { get; } = [("fp32", Precision.Fp32)];

    public static IReadOnlyList<(string Word, LoraBias Value)> Biases { get; } = [("none", LoraBias.None), ("all", LoraBias.All), ("lora_only", LoraBias.LoraOnly)];

    public static IReadOnlyList<(string Word, LoraInitialization Value)> LoraInitializations { get; } =
        [("true", LoraInitialization.Default), ("false", LoraInitialization.Nonzero), ("gaussian", LoraInitialization.Gaussian)];

    /// <summary>The word for <paramref name="value"/> among <paramref name="words"/>.</summary>
    public static string Of<T>(IReadOnlyList<(string Word, T Value)> words, T value)
        where T : struct, Enum
    {
        ArgumentNullException.ThrowIfNull(words);
        foreach (var (word, its) in words)
            if (EqualityComparer<T>.Default.Equals(its, value))
                return word;
        throw new ArgumentOutOfRangeException(nameof(value), value, "a value without a word");
    }
}
