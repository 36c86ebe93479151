namespace KernelTune.Training.Recipes;

/// <summary>How long and in what portions a run trains.</summary>
public sealed record TrainingSettings
{
    /// <summary>Passes over the training examples, more than 0; not read where <see cref="MaxSteps"/> is given.</summary>
    public double NumEpochs { get; init; } = 1;

    /// <summary>Optimizer steps; null: as many as <see cref="NumEpochs"/> takes.</summary>
    public int? MaxSteps { get; init; }

    /// <summary>Sequences (rows, where they are packed) a micro-batch.</summary>
    public int BatchSize { get; init; } = 4;

    /// <summary>
    /// Whether the run takes as many as fit instead: the largest power of two whose plan is within memory_limit, or within what the machine has free. The resolved recipe names the number, and a resume
    /// takes it from there. <see cref="GradientAccumulationSteps"/> stays as it is.
    /// </summary>
    public bool IsBatchSizeAuto { get; init; }

    /// <summary>Micro-batches a step; the step's loss is the mean over all their labelled tokens.</summary>
    public int GradientAccumulationSteps { get; init; } = 4;

    /// <summary>The greatest global L2 norm of the gradients; null: they are not clipped.</summary>
    public double? MaxGradNorm { get; init; } = 1.0;

    /// <summary>
    /// Whether a parameter is updated within the backward pass, as soon as its gradient is final, and the gradient given back: where no norm over all of them is asked for and they do not add up over
    /// micro-batches. The numbers are the same.
    /// </summary>
    public bool ReleasesGradients => MaxGradNorm is null && GradientAccumulationSteps == 1;

    /// <summary>What of the forward pass is thrown away and computed again in the backward pass.</summary>
    public ActivationCheckpointing ActivationCheckpointing { get; init; }

    public Precision Precision { get; init; } = Precision.Fp32;

    public long Seed { get; init; } = 7;

    /// <summary>Null: the run trains to its end.</summary>
    public EarlyStopping? EarlyStopping { get; init; }
}

/// <summary>Activation checkpointing (Chen et al., 2016): nothing, every block, or as many blocks as it takes for the activations to fit a budget.</summary>
/// <param name="Blocks">Every residual block of the model.</param>
/// <param name="Budget">Bytes that activations may take at the peak; null: no budget.</param>
public readonly record struct ActivationCheckpointing(bool Blocks, long? Budget = null)
{
    public bool IsNone => !Blocks && Budget is null;
}

public enum Precision
{
    Fp32,
}

/// <summary>Stops a run whose <paramref name="Metric"/> has not improved in <paramref name="Patience"/> evaluations in a row.</summary>
/// <param name="Metric">A metric of the evaluation; loss and perplexity are better when smaller.</param>
/// <param name="Patience">At least 1.</param>
public sealed record EarlyStopping(string Metric = "loss", int Patience = 3);

/// <summary>When and by what the validation examples are judged.</summary>
public sealed record EvaluationSettings
{
    /// <summary>Steps; null: at the end of every epoch.</summary>
    public int? Every { get; init; }

    public IReadOnlyList<string> Metrics { get; init; } = ["loss", "perplexity"];
}

/// <summary>When a run saves what it needs to go on.</summary>
public sealed record CheckpointSettings
{
    /// <summary>Steps; null: at the end of every epoch.</summary>
    public int? Every { get; init; }

    /// <summary>How many of the newest checkpoints stay; the best one always does.</summary>
    public int Keep { get; init; } = 2;
}
