namespace KernelTune.Training.Recipes;

/// <summary>Which optimizer, and its numbers. What an optimizer has no use for is not read.</summary>
public sealed record OptimizerSettings
{
    public OptimizerKind Type { get; init; } = OptimizerKind.AdamW;

    /// <summary>The rate that the schedule scales, 0 or more.</summary>
    public double LearningRate { get; init; } = 2e-4;

    /// <summary>
    /// AdamW and Lion: decoupled, θ ← θ·(1 − lr·decay). Adam and SGD: added to the gradient. Biases and norms are spared unless a group says otherwise.
    /// </summary>
    public double WeightDecay { get; init; }

    public double Beta1 { get; init; } = 0.9;

    /// <summary>The second decay; Lion's authors take 0.99, which recipes have where they say nothing.</summary>
    public double Beta2 { get; init; } = 0.999;

    public double Eps { get; init; } = 1e-8;

    /// <summary>SGD's; 0: no state is kept.</summary>
    public double Momentum { get; init; }

    /// <summary>SGD's: the gradient enters the momentum times 1 − dampening, from the second step on.</summary>
    public double Dampening { get; init; }

    /// <summary>SGD's: the step looks ahead along the momentum.</summary>
    public bool Nesterov { get; init; }

    /// <summary>Of optimizers in 8 bits: parameters with fewer numbers keep their states in the device's own type. bitsandbytes' min_8bit_size.</summary>
    public int Min8BitSize { get; init; } = 4096;

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
    /// <summary>Loshchilov and Hutter, 2019.</summary>
    AdamW,

    /// <summary>AdamW with both moments in 8 bits, in blocks of 256 (Dettmers et al., 2022), as bitsandbytes has it.</summary>
    AdamW8Bit,

    /// <summary>Kingma and Ba, 2015: weight decay in the gradient.</summary>
    Adam,

    /// <summary>Chen et al., 2023.</summary>
    Lion,

    /// <summary>Lion with its momentum in 8 bits.</summary>
    Lion8Bit,

    /// <summary>Stochastic gradient descent, with PyTorch's momentum.</summary>
    Sgd,

    /// <summary>SGD with its momentum in 8 bits.</summary>
    Sgd8Bit,
}
