using KernelTune.Data;
using KernelTune.Methods;

namespace KernelTune.Training.Recipes;

/// <summary>How the recipe's named values are spelled.</summary>
public static class RecipeWords
{
    public static IReadOnlyList<(string Word, Initialization Value)> Initializations { get; } = [("pretrained", Initialization.Pretrained), ("random", Initialization.Random)];

    public static IReadOnlyList<(string Word, TaskKind Value)> Tasks { get; } = [("causal-lm", TaskKind.CausalLm), ("seq2seq-lm", TaskKind.Seq2SeqLm), ("image-classification", TaskKind.ImageClassification)];

    public static IReadOnlyList<(string Word, MethodKind Value)> Methods { get; } =
    [
        ("full", MethodKind.Full), ("head-only", MethodKind.HeadOnly), ("lora", MethodKind.Lora), ("prompt", MethodKind.Prompt), ("prefix", MethodKind.Prefix), ("adapter", MethodKind.Adapter), ("ia3", MethodKind.Ia3),
        ("bitfit", MethodKind.BitFit),
    ];

    public static IReadOnlyList<(string Word, PromptInit Value)> PromptInitializations { get; } =
        [("random", PromptInit.Random), ("text", PromptInit.Text), ("sample_vocab", PromptInit.SampleVocab)];

    /// <summary>The bottleneck configurations with a name: adapter-hub's words.</summary>
    public static IReadOnlyList<string> Bottlenecks { get; } =
        ["pfeiffer", "houlsby", "parallel", "scaled_parallel", "seq_bn", "double_seq_bn", "par_bn", "scaled_par_bn"];

    /// <summary>How a fresh bottleneck may start: adapter-hub's words.</summary>
    public static IReadOnlyList<string> BottleneckInitializations { get; } = ["bert", "mam_adapter", "houlsby"];

    public static IReadOnlyList<(string Word, BaseStorageKind Value)> BaseStorages { get; } =
        [("nf4", BaseStorageKind.Nf4), ("fp4", BaseStorageKind.Fp4), ("bf16", BaseStorageKind.BFloat16), ("fp16", BaseStorageKind.Float16), ("file", BaseStorageKind.File)];

    public static IReadOnlyList<(string Word, ObjectiveKind Value)> Objectives { get; } = [("sft", ObjectiveKind.Sft)];

    public static IReadOnlyList<(string Word, OptimizerKind Value)> Optimizers { get; } =
    [
        ("adamw", OptimizerKind.AdamW), ("adamw8bit", OptimizerKind.AdamW8Bit), ("adam", OptimizerKind.Adam), ("lion", OptimizerKind.Lion), ("lion8bit", OptimizerKind.Lion8Bit), ("sgd", OptimizerKind.Sgd),
        ("sgd8bit", OptimizerKind.Sgd8Bit),
    ];

    /// <summary>The schedules that need no more than a warm-up: Transformers' names.</summary>
    public static IReadOnlyList<string> Schedules { get; } =
        ["constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts", "polynomial", "inverse_sqrt"];

    public static IReadOnlyList<(string Word, ExampleFormat Value)> Formats { get; } =
    [
        ("auto", ExampleFormat.Auto), ("messages", ExampleFormat.Messages), ("sharegpt", ExampleFormat.Messages), ("prompt-completion", ExampleFormat.PromptCompletion), ("text", ExampleFormat.Text), ("alpaca", ExampleFormat.Instruction),
        ("classification", ExampleFormat.Classification), ("token-labels", ExampleFormat.TokenLabels), ("preference", ExampleFormat.Preference), ("squad", ExampleFormat.Squad), ("csv", ExampleFormat.Csv),
        ("image-folder", ExampleFormat.ImageFolder),
    ];

    public static IReadOnlyList<(string Word, LossTokens Value)> Losses { get; } =
        [("auto", LossTokens.Default), ("assistant", LossTokens.Assistant), ("completion", LossTokens.Completion), ("all", LossTokens.All)];

    /// <summary>The metrics of each task; the first is followed.</summary>
    public static IReadOnlyList<string> Metrics(TaskKind task) => task == TaskKind.ImageClassification ? ["loss", "accuracy"] : ["loss", "perplexity"];

    public static IReadOnlyList<(string Word, Precision Value)> Precisions { get; } = [("fp32", Precision.Fp32)];

    public static IReadOnlyList<(string Word, LoraBiasMode Value)> Biases { get; } =
        [("none", LoraBiasMode.None), ("all", LoraBiasMode.All), ("lora_only", LoraBiasMode.LoraOnly)];

    /// <summary>How a fresh adapter may start: PEFT's words.</summary>
    public static IReadOnlyList<string> LoraInitializations { get; } = ["true", "false", "gaussian"];

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
