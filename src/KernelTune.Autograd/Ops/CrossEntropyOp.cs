using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Autograd.Ops;

/// <summary>What becomes of the rows' losses.</summary>
public enum LossReduction
{
    /// <summary>Their sum over the number of counted labels (the sum of their class weights, if there are any); 0 where none counts.</summary>
    Mean,
    Sum,

    /// <summary>They stay as they are, [N].</summary>
    None,
}

/// <summary>The number of labels that count, as a device scalar: 1/n, or 0 for none.</summary>
public static class LabelCount
{
    /// <summary>1 / the number of labels that are not ignored; with class weights, 1 / the sum of the counted labels' weights. labels: I64 [N]; result: [1].</summary>
    public static Tensor Inverse(Tensor labels, int ignoreIndex = -100, Tensor? classWeights = null)
    {
        var (session, device) = (labels.Session, labels.Device);
        var inverse = session.New(new Shape(1));
        using var work = new Workspace(device, "label_count");
        var options = new CrossEntropyOptions(ignoreIndex);
        int n = labels.Shape[0];
        WholeNumbers.Check("label_count", n, session.Real);
        var counted = work.Take(new Shape(n, 1), session.Real);
        if (classWeights is null)
        {
            device.Run(new CopyCall(labels.View.Unsqueeze(1), counted));
            device.Run(MapCall.Step<NotEqualTo, ScaleParams>(counted, counted, new ScaleParams(ignoreIndex)));
        }
        else
        {
            var targets = CrossEntropyCall.Targets(device, work, labels.View, classWeights.View, new Shape(n, classWeights.Shape[0]), options, session.Real);
            device.Run(new ReduceCall(targets, counted, 1, Reduction.Sum));
        }
        device.Run(new ReduceCall(counted.Reshape(new Shape(n)), inverse.View, 0, Reduction.Sum));
        device.Run(MapCall.Step<ReciprocalOrZero, None>(inverse.View, inverse.View));
        return inverse;
    }
}

/// <summary>Cross-entropy of logits [N, V] with labels [N] (I64, −100 ignored); see <see cref="CrossEntropyOptions"/> for its variants.</summary>
/// <exception cref="ShapeException">labels is not [N].</exception>
public static class CrossEntropyOp
{
    /// <param name="logits">[N, V].</param>
    /// <param name="labels">I64 [N].</param>
    /// <param name="options">Smoothing, z-loss, cap.</param>
    /// <param name="reduction">Mean, sum, or a loss a row.</param>
    /// <param name="classWeights">[V] or absent.</param>
    /// <param name="inverseCount">Replaces the mean's own divisor: [1], as when a step's micro-batches share one count.</param>
    public static Tensor Apply(Tensor logits, Tensor labels, CrossEntropyOptions options, LossReduction reduction = LossReduction.Mean, Tensor? classWeights = null,
        Tensor? inverseCount = null)
    {
        if (logits.Shape.Length != 2 || labels.Shape != new Shape(logits.Shape[0]))
            throw new ShapeException("cross_entropy", $"logits {logits.Shape} with labels {labels.Shape}");
        var session = labels.Session;
        var device = session.Device;
        var rows = new Shape(logits.Shape[0]);
        var (losses, lse) = (session.New(rows), session.New(rows));
        device.Run(new CrossEntropyCall(logits.View, labels.View, classWeights?.View ?? default, losses.View, lse.View, options));
        if (reduction == LossReduction.None)
            return session.Record("cross_entropy", losses, [logits], new Backward(logits, labels, classWeights, lse, null, options), logits, labels, classWeights, lse);
        var scale = reduction == LossReduction.Mean ? inverseCount ?? LabelCount.Inverse(labels, options.IgnoreIndex, classWeights) : null;
        var loss = Total(session, losses.View, scale);
        return session.Record("cross_entropy", loss, [logits], new Backward(logits, labels, classWeights, lse, scale, options), logits, labels, classWeights, lse, scale);
    }

    /// <summary>Σ losses · scale as a tensor of one element, shape [].</summary>
    internal static Tensor Total(Session session, in View losses, Tensor? scale)
    {
        var loss = session.New(new Shape());
        var one = loss.View.Reshape(new Shape(1));
        session.Device.Run(new ReduceCall(losses, one, 0, Reduction.Sum));
        if (scale is not null)
            session.Device.Run(MapCall.Binary<Mul, None>(one, one, scale.View));
        return loss;
    }

    private sealed class Backward(Tensor logits, Tensor labels, Tensor? classWeights, Tensor lse, Tensor? scale, CrossEntropyOptions options) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(logits))
                return;
            var device = gradients.Device;
            using var work = new Workspace(device, "cross_entropy");
            var rowScale = gradOutputs[0].Rank == 0 ? gradOutputs[0].Reshape(new Shape(1)) : gradOutputs[0];
            if (scale is not null)
            {
                var product = work.Take(new Shape(1), rowScale.Type);
                device.Run(MapCall.Binary<Mul, None>(product, rowScale, scale.View));
                rowScale = product;
            }
            var dx = gradients.Begin(logits);
            device.Run(new CrossEntropyGradCall(logits.View, labels.View, classWeights?.View ?? default, lse.View, rowScale, dx, options));
            gradients.Finish(logits, dx);
        }
    }
}
