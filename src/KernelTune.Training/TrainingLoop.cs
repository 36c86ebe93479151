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
        RunEnd? end = null;
        while (end is null)
        {
            // Before step 1 too, and first of all what an interrupted run left undone.
            if (run.EvaluationDue)
                run.Evaluate(CancellationToken.None);
            if (run.CheckpointDue)
                run.SaveCheckpoint();
            if (run.State.Step >= run.Steps)
                end = RunEnd.Finished;
            else if (run.IsStale)
                end = RunEnd.StoppedEarly;
            else
            {
                run.Step();
                if (stop.IsCancellationRequested)
                    end = RunEnd.Interrupted;
            }
        }

        double? test = null;
        if (end != RunEnd.Finished)
            run.SaveCheckpoint();
        if (end != RunEnd.Interrupted)
        {
            test = run.EvaluateTest(CancellationToken.None);
            run.SaveFinal();
        }
        run.WriteLedger();
        var state = run.State;
        return new RunResult(end.Value, state.Step, state.FirstEvaluation, state.LastEvaluation, state.BestEvaluation, run.Output, test);
    }
}
