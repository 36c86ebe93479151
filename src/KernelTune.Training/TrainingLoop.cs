using KernelTune.Training.Runs;

namespace KernelTune.Training;

/// <summary>The training loop. Every method, model and objective goes through it.</summary>
public static class TrainingLoop
{
    /// <summary>
    /// Trains a started run to its end, or until it is asked to stop: then the step is finished, a checkpoint saved, and the run can be resumed bit for bit.
    /// </summary>
    /// <exception cref="DivergedException">The loss has been no number for too long.</exception>
    public static RunResult Run(TrainingRun run, CancellationToken stop = default)
    {
        if (run.State.Step == 0 && run.State.FirstEvaluation is null && run.Data.Validation is not null)
            run.Evaluate(CancellationToken.None);

        var end = RunEnd.Finished;
        while (run.State.Step < run.Steps)
        {
            run.Step();
            if (stop.IsCancellationRequested)
            {
                end = RunEnd.Interrupted;
                run.SaveCheckpoint();
                break;
            }
            if (run.EvaluationDue)
                run.Evaluate(CancellationToken.None);
            if (run.CheckpointDue)
                run.SaveCheckpoint();
            if (run.IsStale)
            {
                end = RunEnd.StoppedEarly;
                run.SaveCheckpoint();
                break;
            }
        }

        if (end != RunEnd.Interrupted)
            run.SaveFinal();
        var state = run.State;
        return new RunResult(end, state.Step, state.FirstEvaluation, state.LastEvaluation, state.BestEvaluation, run.Output);
    }
}
