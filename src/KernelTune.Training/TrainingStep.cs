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

namespace KernelTune.Training;

/// <summary>
/// One optimizer step on a device: micro-batches forward and backward, their losses divided by the labels of the whole step (8 × 1 is 1 × 8), then the update. The same
/// code runs on <c>Shapes</c> to predict a step's memory.
/// </summary>
public sealed class TrainingStep : IDisposable
{
    private readonly CausalLanguageModel model;
    private readonly AdamWOptimizer optimizer;
    private readonly View results;

    public TrainingStep(CausalLanguageModel model, Session session, AdamWOptimizer optimizer)
    {
        (this.model, Session, this.optimizer) = (model, session, optimizer);
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
    public void Run(int step, IReadOnlyList<Batch> batches, ReadOnlySpan<double> rates)
    {
        var device = Session.Device;
        Session.Parameters!.Clear();
        (Session.Step, Session.Training, Session.Recording) = (step, true, true);
        var loss = results.Select(0, step % 2).Slice(0, 0, 1);
        device.Run(new FillCall(loss, 0));
        long labels = 0;
        foreach (var batch in batches)
            labels += batch.LabelTokens;
        using (Session.Enter())
        {
            var inverse = Session.Upload<double>([labels > 0 ? 1.0 / labels : 0], new Shape(1), Session.Real);
            for (int i = 0; i < batches.Count; i++)
            {
                Session.MicroBatch = i;
                Session.Phase = Phase.Forward;
                using var scope = Session.Enter();
                var (input, targets) = BatchUpload.Of(Session, batches[i]);
                var part = model.Loss(input, targets, inverse);
                device.Run(MapCall.Binary<Add, None>(loss, loss, part.View.Reshape(new Shape(1))));
                Session.Backward(part);
            }
        }
        Session.Phase = Phase.Optimizer;
        optimizer.Step(rates);
        device.Run(new CopyCall(optimizer.GradientNorm, results.Select(0, step % 2).Slice(0, 1, 1)));
    }

    public void Dispose() => results.Block.Release();
}

/// <summary>Batches onto a device.</summary>
public static class BatchUpload
{
    /// <summary>The model's input and what each position must predict: labels shifted by one, −100 where there is nothing.</summary>
    public static (TokenInput Input, Tensor Targets) Of(Session session, Batch batch)
    {
        var shape = new Shape(batch.Rows, batch.Columns);
        var ids = session.Upload<int>(batch.InputIds, shape, DType.I64);
        var targets = session.Upload<int>(Shifted(batch), shape, DType.I64);
        var positions = batch.PositionIds is { } given && (batch.CuSeqLens is not null || PadsLeft(batch)) ? session.Upload<int>(given, shape, DType.I64) : null;
        var mask = PadsLeft(batch) ? session.Upload<int>(batch.AttentionMask!, shape, DType.I64) : null;
        var starts = batch.CuSeqLens is { } cu ? session.Upload<int>(cu, new Shape(cu.Length), DType.I64) : null;
        int? end = positions is null ? null : batch.PositionIds!.Max() + 1;
        return (new TokenInput(ids, positions, mask, starts, PositionsEnd: end), targets);
    }

    // Padding on the right needs no mask under a causal one: no real token sees it, and its own labels are ignored.
    private static bool PadsLeft(Batch batch)
    {
        if (batch.AttentionMask is not { } mask)
            return false;
        for (int row = 0; row < batch.Rows; row++)
        {
            if (batch.Columns > 0 && mask[row * batch.Columns] == 0)
                return true;
        }
        return false;
    }

    private static int[] Shifted(Batch batch)
    {
        var targets = new int[batch.Labels.Length];
        for (int row = 0; row < batch.Rows; row++)
        {
            int at = row * batch.Columns;
            for (int t = 0; t < batch.Columns; t++)
                targets[at + t] = t + 1 < batch.Columns ? batch.Labels[at + t + 1] : -100;
        }
        return targets;
    }
}
