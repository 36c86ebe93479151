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

/// <summary>Parameters whose name <paramref name="Match"/> finds a match in, with settings of their own.</summary>
/// <param name="Match">A regular expression, searched for in the parameter's name.</param>
/// <param name="LearningRate">Null: the optimizer's.</param>
/// <param name="WeightDecay">Null: the optimizer's.</param>
public sealed record OptimizerGroup(string Match, double? LearningRate = null, double? WeightDecay = null);

public enum OptimizerKind
{
    AdamW,
}

/// <summary>How the learning rate goes over a run: up from 0 in a straight line, then as <see cref="Type"/> says.</summary>
public sealed record ScheduleSettings
{
    public ScheduleKind Type { get; init; } = ScheduleKind.Cosine;

    /// <summary>The share of all steps spent warming up, in [0, 1]; null: <see cref="WarmupSteps"/> counts. A fraction of a step is rounded up.</summary>
    public double? WarmupRatio { get; init; } = 0.03;

    public int? WarmupSteps { get; init; }
}

public enum ScheduleKind
{
    Constant,

    /// <summary>In a straight line to 0 at the last step.</summary>
    Linear,

    /// <summary>Half a cosine wave to 0 at the last step.</summary>
    Cosine,
}
