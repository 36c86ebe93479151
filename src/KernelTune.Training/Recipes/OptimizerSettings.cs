namespace KernelTune.Training.Recipes;

/// <summary>AdamW (Loshchilov and Hutter, 2019).</summary>
public sealed record OptimizerSettings
{
    public OptimizerKind Type { get; init; } = OptimizerKind.AdamW;

    /// <summary>The rate that the schedule scales, 0 or more.</summary>
    public double LearningRate { get; init; } = 2e-4;

    /// <summary>Decoupled: θ ← θ·(1 − lr·decay) before the update. Biases and norms are spared unless a group says otherwise.</summary>
    public double WeightDecay { get; init; }

    public double Beta1 { get; init; } = 0.9;

    public double Beta2 { get; init; } = 0.999;

    public double Eps { get; init; } = 1e-8;

    /// <summary>Parameters with settings of their own; the first group that matches a parameter counts.</summary>
    public IReadOnlyList<OptimizerGroup> Groups { get; init; } = [];
}

/// <summary>Parameters that <paramref name="Match"/> selects by their names, with settings of their own.</summary>
/// <param name="Match">A regular expression over the parameter's whole name, as PEFT's expressions are: <c>.*norm\.weight</c>.</param>
/// <param name="LearningRate">Null: the optimizer's.</param>
/// <param name="WeightDecay">Null: the optimizer's.</param>
public sealed record OptimizerGroup(string Match, double? LearningRate = null, double? WeightDecay = null);

public enum OptimizerKind
{
    AdamW,
}
