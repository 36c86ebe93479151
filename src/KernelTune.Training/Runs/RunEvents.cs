using KernelTune.Training.Recipes;
using KernelTune.Training.Tasks;

namespace KernelTune.Training.Runs;

/// <summary>Something that a run reports. Libraries print nothing: whoever drives a run shows these, or not.</summary>
public abstract record RunEvent;

/// <summary>A step is done.</summary>
/// <param name="Step">Its number, from 1.</param>
/// <param name="Steps">How many there are in all.</param>
/// <param name="Epoch">Passes over the data so far.</param>
/// <param name="Loss">Mean over the step's labels, before the update.</param>
/// <param name="LearningRate">Of the first group.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="Items">What throughput counts: tokens of the step that are not padding, or pictures.</param>
/// <param name="ItemsName">"tokens", "pictures".</param>
/// <param name="Labels">Labels of the step.</param>
/// <param name="Seconds">Wall time of the step.</param>
/// <param name="Flops">Model FLOPs of the step.</param>
public sealed record StepEvent(int Step, int Steps, double Epoch, double Loss, double LearningRate, double GradientNorm, long Items, string ItemsName, long Labels, double Seconds, double Flops) : RunEvent;

/// <summary>The validation rows have been judged.</summary>
/// <param name="Step">After this many steps.</param>
/// <param name="Loss">Mean over all labels.</param>
/// <param name="Figures">Every figure of the task, the loss first.</param>
/// <param name="IsBest">Whether it is the best so far.</param>
/// <param name="Seconds">Wall time.</param>
public sealed record EvaluationEvent(int Step, double Loss, IReadOnlyList<Figure> Figures, bool IsBest, double Seconds) : RunEvent;

/// <summary>Something was saved.</summary>
public sealed record SavedEvent(int Step, string Path, string What) : RunEvent;

/// <summary>A run goes on from a checkpoint.</summary>
public sealed record ResumedEvent(int Step, string Path) : RunEvent;

/// <summary>Something that a user should know and that stops nothing.</summary>
public sealed record NoteEvent(string Text) : RunEvent;

/// <summary>Why a run ended.</summary>
public enum RunEnd
{
    Finished,
    StoppedEarly,

    /// <summary>Somebody asked it to stop: the step was finished and a checkpoint saved.</summary>
    Interrupted,
}

/// <summary>The end of a run.</summary>
/// <param name="End">Why.</param>
/// <param name="Steps">Steps done.</param>
/// <param name="FirstEvaluation">Validation loss before step 1; null where there are no validation rows.</param>
/// <param name="LastEvaluation">Validation loss at the end.</param>
/// <param name="BestEvaluation">The least validation loss.</param>
/// <param name="Output">Where everything was written.</param>
/// <param name="Test">Loss of the test rows; null where there are none, or the run was interrupted.</param>
public sealed record RunResult(RunEnd End, int Steps, double? FirstEvaluation, double? LastEvaluation, double? BestEvaluation, string Output, double? Test = null);

/// <summary>The loss has been NaN or infinite too often in a row.</summary>
public sealed class DivergedException(int step, double loss, string? lastGood)
    : Exception(FormattableString.Invariant($"the loss is {loss} at step {step} and has been no number for {RunLimits.BadLosses} steps; ")
        + (lastGood is null ? "no checkpoint was saved before" : $"the last good checkpoint is {lastGood}"))
{
    public int Step { get; } = step;
}

/// <summary>Fixed limits of a run.</summary>
public static class RunLimits
{
    /// <summary>Steps in a row whose loss may be no number.</summary>
    public const int BadLosses = 3;
}

/// <summary>A resume that would not continue the same run.</summary>
public sealed class ResumeException(string message) : Exception(message);

/// <summary>The recipe of a run with its place on disk.</summary>
/// <param name="Recipe">All defaults filled in, paths absolute.</param>
/// <param name="Resume">Go on from the last complete checkpoint of the output folder.</param>
/// <param name="SkipBad">Leave out rows that cannot be read, and count them.</param>
/// <param name="Strict">Refuse rows that are too long.</param>
/// <param name="AllowNonFinite">Train from weights that hold NaN or infinity.</param>
public sealed record RunRequest(Recipe Recipe, bool Resume = false, bool SkipBad = false, bool Strict = false, bool AllowNonFinite = false);
