namespace KernelTune.Training.Recipes;

/// <summary>LoRA (Hu et al., 2021), by PEFT's names: y = W₀x + (α/r)·B(Ax).</summary>
public sealed record LoraSettings
{
    /// <summary>The rank r of B·A, at least 1.</summary>
    public int R { get; init; } = 8;

    /// <summary>α; the update is scaled by α/r, or α/√r with <see cref="UseRslora"/>.</summary>
    public double LoraAlpha { get; init; } = 16;

    /// <summary>The probability that an element of x is dropped on its way into A, in [0, 1).</summary>
    public double LoraDropout { get; init; }

    public ModuleSelection TargetModules { get; init; } = ModuleSelection.AllLinear;

    /// <summary>Modules that <see cref="TargetModules"/> would match but that are left as they are; null: none.</summary>
    public ModuleSelection? ExcludeModules { get; init; }

    /// <summary>Rank-stabilised scaling α/√r (Kalajdzievski, 2023).</summary>
    public bool UseRslora { get; init; }

    /// <summary>Ranks of single modules: a regular expression over the end of the module's path, and the rank; the first that matches counts.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> RankPattern { get; init; } = [];

    /// <summary>α of single modules, selected like <see cref="RankPattern"/>.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> AlphaPattern { get; init; } = [];

    /// <summary>The indices of the layers that are adapted; null: all.</summary>
    public IReadOnlyList<int>? LayersToTransform { get; init; }

    /// <summary>The names of the module lists that <see cref="LayersToTransform"/> counts in; null: the model's own.</summary>
    public IReadOnlyList<string>? LayersPattern { get; init; }

    public LoraBias Bias { get; init; } = LoraBias.None;

    /// <summary>Modules trained and saved whole beside the adapter.</summary>
    public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    /// <summary>Whether the base stores its weights [in, out], as GPT-2's Conv1D does; null: what the model does.</summary>
    public bool? FanInFanOut { get; init; }

    public LoraInitialization InitLoraWeights { get; init; } = LoraInitialization.Default;

    /// <summary>LoRA+ (Hayou et al., 2024): B learns this many times faster than A; null: at the same rate.</summary>
    public double? LoraplusLrRatio { get; init; }

    /// <summary>LoRA+: the learning rate of adapted embeddings; read where <see cref="LoraplusLrRatio"/> is given.</summary>
    public double LoraplusLrEmbedding { get; init; } = 1e-6;
}

/// <summary>Modules by a regular expression over the whole path, or by names that a path equals or ends with after a dot.</summary>
public sealed record ModuleSelection
{
    private ModuleSelection(string? pattern, IReadOnlyList<string> names) => (Pattern, Names) = (pattern, names);

    /// <summary>Every linear layer of the body; the output head is not one of them.</summary>
    public static ModuleSelection AllLinear { get; } = new("all-linear", []);

    /// <summary>The regular expression, or "all-linear"; null where names are given.</summary>
    public string? Pattern { get; }

    public IReadOnlyList<string> Names { get; }

    public static ModuleSelection Matching(string pattern) => pattern == AllLinear.Pattern ? AllLinear : new ModuleSelection(pattern, []);

    public static ModuleSelection Named(params IReadOnlyList<string> names) => new(null, names);
}

/// <summary>Which biases train beside the adapter.</summary>
public enum LoraBias
{
    None,
    All,
    LoraOnly,
}

/// <summary>How a fresh adapter starts.</summary>
public enum LoraInitialization
{
    /// <summary>A Kaiming-uniform with a = √5, B zero.</summary>
    Default,

    /// <summary>A normal with standard deviation 1/r, B zero.</summary>
    Gaussian,

    /// <summary>Neither is zero: the adapter changes the model from the start (PEFT's <c>false</c>, for tests).</summary>
    Nonzero,
}
