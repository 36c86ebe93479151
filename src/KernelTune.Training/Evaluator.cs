using KernelTune.Autograd;
using KernelTune.Data;
using KernelTune.Devices.Memory;
using KernelTune.Models;
using KernelTune.Training.Tasks;

namespace KernelTune.Training;

/// <summary>Judges held-out batches.</summary>
public static class Evaluator
{
    /// <summary>Runs the batches without a tape. Dropout is off.</summary>
    public static Judgement Judge(TrainingTask task, IPretrainedModel model, Session session, IEnumerable<IBatch> batches, CancellationToken cancellation = default)
    {
        var judgement = new Judgement();
        var (phase, recording, training) = (session.Phase, session.Recording, session.Training);
        (session.Phase, session.Recording, session.Training) = (Phase.Evaluation, false, false);
        try
        {
            foreach (var batch in batches)
            {
                cancellation.ThrowIfCancellationRequested();
                using var scope = session.Enter();
                task.Judge(model, session, batch, judgement);
            }
        }
        finally
        {
            (session.Phase, session.Recording, session.Training) = (phase, recording, training);
        }
        return judgement;
    }
}
