using KernelTune.Methods;
using KernelTune.Training.Schedules;

namespace KernelTune.Training.Recipes;

/// <summary>Everything that decides a run: what is trained, on what, how, and where the results go. The command line reads it from YAML; an
/// embedder writes it as an expression. Paths are absolute, or relative to the current folder; the YAML reader makes them absolute.</summary>
/// <remarks>The values that stand here are the defaults of a recipe that names only <c>model</c> and <c>data.train</c>.</remarks>
public sealed record Recipe
{
    /// <summary>The only version of recipes there is.</summary>
    public const int CurrentVersion = 1;

    public int Version { get; init; } = CurrentVersion;

    /// <summary>A model folder, a .gguf file, or org/name in the local Hugging Face cache.</summary>
    public string Model { get; init; } = "";

    /// <summary>Whether the model's weights are read or drawn from the seed.</summary>
    public Initialization Init { get; init; } = Initialization.Pretrained;

    public TaskKind Task { get; init; } = TaskKind.CausalLm;

    public MethodKind Method { get; init; } = MethodKind.Lora;

    /// <summary>Read where <see cref="Method"/> is <see cref="MethodKind.Lora"/>.</summary>
    public LoraSettings Lora { get; init; } = new();

    /// <summary>How the frozen base is kept in memory; null: fp32, except that a base which comes in 4 bits stays so.</summary>
    public QuantizationSettings? Quantization { get; init; }

    /// <summary>Read where <see cref="Method"/> is <see cref="MethodKind.Prompt"/>.</summary>
    public PromptTuningConfig Prompt { get; init; } = new();

    /// <summary>Read where <see cref="Method"/> is <see cref="MethodKind.Prefix"/>.</summary>
    public PrefixTuningConfig Prefix { get; init; } = new();

    /// <summary>Read where <see cref="Method"/> is <see cref="MethodKind.Adapter"/>: Pfeiffer's where a recipe says nothing.</summary>
    public BottleneckConfig Bottleneck { get; init; } = BottleneckConfig.Named("pfeiffer");

    /// <summary>Read where <see cref="Method"/> is <see cref="MethodKind.Ia3"/>.</summary>
    public Ia3Config Ia3 { get; init; } = new();

    /// <summary>Read where <see cref="Method"/> is <see cref="MethodKind.BitFit"/>.</summary>
    public BitFitConfig BitFit { get; init; } = new();

    /// <summary>The folder of an adapter to start from; null: a fresh one.</summary>
    public string? Adapter { get; init; }

    /// <summary>Tokens to add to the vocabulary; null: none.</summary>
    public TokenizerSettings? Tokenizer { get; init; }

    /// <summary>Null: the model's own head; else a new one, drawn from the seed, with as many outputs as the data has classes.</summary>
    public HeadSettings? Head { get; init; }

    public DataSettings Data { get; init; } = new();

    public ObjectiveKind Objective { get; init; } = ObjectiveKind.Sft;

    public OptimizerSettings Optimizer { get; init; } = new();

    /// <summary>One of <see cref="RecipeWords.Schedules"/>.</summary>
    public ScheduleSettings Schedule { get; init; } = new() { Type = "cosine", WarmupRatio = 0.03 };

    public TrainingSettings Training { get; init; } = new();

    public EvaluationSettings Evaluation { get; init; } = new();

    public CheckpointSettings Checkpoint { get; init; } = new();

    /// <summary>auto, cpu, cuda[:n], opencl[:n], simulated or reference.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Bytes; a run whose plan needs more is refused before its first step. Null: no limit.</summary>
    public long? MemoryLimit { get; init; }

    /// <summary>The run's folder.</summary>
    public string Output { get; init; } = "";
}

/// <summary>A new head: a linear layer, as the model has one. Hidden layers are not built yet.</summary>
public sealed record HeadSettings;

public enum Initialization
{
    Pretrained,
    Random,
}

public enum TaskKind
{
    CausalLm,

    /// <summary>An encoder reads a prompt, a decoder says the completion.</summary>
    Seq2SeqLm,
    ImageClassification,
}

public enum MethodKind
{
    Full,

    /// <summary>The output head alone.</summary>
    HeadOnly,
    Lora,

    /// <summary>Trained embeddings in front of every text.</summary>
    Prompt,

    /// <summary>Trained keys and values in front of every text, in every layer.</summary>
    Prefix,

    /// <summary>Bottlenecks on the residual sublayers.</summary>
    Adapter,

    /// <summary>Trained scales of activations.</summary>
    Ia3,

    /// <summary>The model's own biases.</summary>
    BitFit,
}

public enum ObjectiveKind
{
    /// <summary>Cross-entropy of the labelled tokens.</summary>
    Sft,
}
