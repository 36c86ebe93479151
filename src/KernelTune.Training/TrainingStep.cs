using KernelTune.Autograd;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;
using KernelTune.Models;
using KernelTune.Modules;
using KernelTune.Training.Optimizers;
using KernelTune.Training.Tasks;

namespace KernelTune.Training;

/// <summary>
/// One optimizer step on a device: micro-batches forward and backward, their losses divided by the labels of the whole step (8 × 1 is 1 × 8), then the update. The same
/// code runs on <c>Shapes</c> to predict a step's memory.
/// </summary>
public sealed class TrainingStep : IDisposable
{
    private readonly TrainingTask task;
    private readonly IPretrainedModel model;
    private readonly Optimizer optimizer;
    private readonly View results;

    public TrainingStep(TrainingTask task, IPretrainedModel model, Session session, Optimizer optimizer)
    {
        (this.task, this.model, Session, this.optimizer) = (task, model, session, optimizer);
        results = session.Device.Allocate(new Shape(2, 2), session.Real, Category.OptimizerState);
    }

    public Session Session { get; }

    /// <summary>
    /// Waits for a step and reads its loss (the mean over all its labels) and the norm of its gradients before clipping. Two steps are remembered, so that a loop may read one late.
    /// </summary>
    public (double Loss, double GradientNorm) Read(int step)
    {
        Span<double> numbers = stackalloc double[2];
        Session.Device.Read(results.Select(0, step % 2), numbers);
        return (numbers[0], numbers[1]);
    }

    /// <summary>Runs a step.</summary>
    /// <param name="step">Its number, from 0.</param>
    /// <param name="batches">The micro-batches.</param>
    /// <param name="rates">The learning rate of each parameter group.</param>
    public void Run(int step, IReadOnlyList<IBatch> batches, ReadOnlySpan<double> rates)
    {
        var device = Session.Device;
        if (batches.Count > 1 && Session.Parameters!.IsReleased)
            throw new ArgumentException("gradients that are given back within a backward pass do not add up over micro-batches", nameof(batches));
        Session.Parameters!.Clear();
        optimizer.Begin(rates);
        (Session.Step, Session.Training, Session.Recording) = (step, true, true);
        var loss = results.Select(0, step % 2).Slice(0, 0, 1);
        device.Run(new FillCall(loss, 0));
        long labels = 0;
        foreach (var batch in batches)
            labels += task.LabelCount(model, batch);
        using (Session.Enter())
        {
            var inverse = Session.Upload<double>([labels > 0 ? 1.0 / labels : 0], new Shape(1), Session.Real);
            for (int i = 0; i < batches.Count; i++)
            {
                Session.MicroBatch = i;
                Session.Phase = Phase.Forward;
                using var scope = Session.Enter();
                var part = task.Loss(model, Session, batches[i], inverse);
                device.Run(MapCall.Binary<Add, None>(loss, loss, part.View.Reshape(new Shape(1))));
                Session.Backward(part);
            }
        }
        Session.Phase = Phase.Optimizer;
        optimizer.Step();
        device.Run(new CopyCall(optimizer.GradientNorm, results.Select(0, step % 2).Slice(0, 1, 1)));
    }

    public void Dispose() => results.Block.Release();
}
