using KernelTune.Autograd;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Devices.Memory;
using KernelTune.Evaluation.Metrics;
using KernelTune.Models;

namespace KernelTune.Training;

/// <summary>The loss of held-out batches: the mean over all their labels, not the mean of the batches' means.</summary>
public static class Evaluator
{
    /// <summary>Runs the batches without a tape. Dropout is off.</summary>
    public static LossMean Loss(CausalLanguageModel model, Session session, IEnumerable<Batch> batches, CancellationToken cancellation = default)
    {
        var mean = new LossMean();
        var (phase, recording, training) = (session.Phase, session.Recording, session.Training);
        (session.Phase, session.Recording, session.Training) = (Phase.Evaluation, false, false);
        Span<float> sum = stackalloc float[1];
        try
        {
            foreach (var batch in batches)
            {
                cancellation.ThrowIfCancellationRequested();
                using var scope = session.Enter();
                var one = session.Upload<double>([1], new Shape(1), session.Real);
                var (input, targets) = BatchUpload.Of(session, batch);
                var loss = model.Loss(input, targets, one);
                if (!session.Device.Computes)
                    continue;
                session.Device.Read(loss.View.Reshape(new Shape(1)), sum);
                mean.AddSum(sum[0], batch.LabelTokens);
            }
        }
        finally
        {
            (session.Phase, session.Recording, session.Training) = (phase, recording, training);
        }
        return mean;
    }
}
