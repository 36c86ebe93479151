using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Autograd.Ops;

/// <summary>
/// y = (x − mean)/√(var + eps)·weight + bias, channel by channel (Ioffe and Szegedy, 2015). x: [B, C, ...]; weight, bias: [C], either may be absent. Training: mean and variance are the
/// batch's own (divisor n), and the running ones take a share momentum of them, the variance with divisor n − 1. Else the running ones are used, as constants.
/// </summary>
public static class BatchNormOp
{
    /// <param name="x">[B, C, ...].</param>
    /// <param name="weight">[C] or absent.</param>
    /// <param name="bias">[C] or absent.</param>
    /// <param name="runningMean">[C]; in training it is changed; absent: nothing is kept, and the batch's own statistics are used always.</param>
    /// <param name="runningVariance">[C], as <paramref name="runningMean"/>.</param>
    /// <param name="training">Whether the batch's own statistics are used.</param>
    /// <param name="momentum">The share of the new value, torch's momentum.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <exception cref="ShapeException">A vector is not [C], or a channel has one value alone in training.</exception>
    public static Tensor Apply(Tensor x, Tensor? weight, Tensor? bias, Tensor? runningMean, Tensor? runningVariance, bool training, double momentum, double eps)
    {
        if (x.Shape.Length < 2)
            throw new ShapeException("batch_norm", $"x {x.Shape} must be [B, C, ...]");
        int channels = x.Shape[1];
        foreach (var p in (ReadOnlySpan<Tensor?>)[weight, bias, runningMean, runningVariance])
        {
            if (p is not null && p.Shape != new Shape(channels))
                throw new ShapeException("batch_norm", $"{p.Shape} must be [{channels}], the channels of x {x.Shape}");
        }
        if ((runningMean is null) != (runningVariance is null))
            throw new ShapeException("batch_norm", "a running mean without a running variance, or the other way round");
        training |= runningMean is null;
        x = Contiguous.Apply(x);
        var planes = Planes(x.View);
        long count = (long)planes.Shape[0] * planes.Shape[2];
        if (training && count < 2)
            throw new ShapeException("batch_norm", $"x {x.Shape} has {count} value a channel: at least 2 are wanted in training");

        var session = x.Session;
        var (y, rstd) = (session.New(x.Shape), session.New(new Shape(channels)));
        var mean = training ? session.New(new Shape(channels)) : runningMean!;
        if (training)
        {
            x.Device.Run(new BatchStatisticsCall(planes, mean.View, rstd.View));
            Update(runningMean, mean, momentum, 1);
            Update(runningVariance, rstd, momentum, count / (count - 1.0));
        }
        var variance = training ? rstd : runningVariance!;
        x.Device.Run(MapCall.Step<RsqrtAffine, AffineParams>(rstd.View, variance.View, new AffineParams(1, eps)));
        x.Device.Run(new BatchNormCall(planes, mean.View, rstd.View, weight?.View ?? default, bias?.View ?? default, Planes(y.View)));
        bool keepsX = training || session.Needs(weight);
        return session.Record("batch_norm", y, [x, weight, bias], new Backward(x, weight, bias, mean, rstd, training), keepsX ? x : null, weight, keepsX ? mean : null, rstd);
    }

    // running = (1 − momentum)·running + momentum·correction·batch
    private static void Update(Tensor? running, Tensor batch, double momentum, double correction)
    {
        if (running is null)
            return;
        running.View.Block.GuardWrite("batch_norm");
        running.Device.Run(MapCall.Step2<Blend, AffineParams>(running.View, running.View, batch.View, new AffineParams(1 - momentum, momentum * correction)));
    }

    // x as [B, C, L].
    private static View Planes(in View x)
    {
        long length = 1;
        for (int a = 2; a < x.Rank; a++)
            length *= x.Shape[a];
        return x.Reshape(new Shape(x.Shape[0], x.Shape[1], checked((int)length)));
    }

    private sealed class Backward(Tensor x, Tensor? weight, Tensor? bias, Tensor mean, Tensor rstd, bool training) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            var (wantsX, wantsWeight, wantsBias) = (gradients.Wants(x), gradients.Wants(weight), gradients.Wants(bias));
            var (planes, dy) = (Planes(x.View), Planes(gradOutputs[0]));
            View sum = default, sumNormal = default;
            if (wantsWeight || (wantsX && training))
            {
                (sum, sumNormal) = (gradients.Session.New(mean.Shape).View, gradients.Session.New(mean.Shape).View);
                gradients.Device.Run(new BatchNormGradSumsCall(planes, mean.View, rstd.View, dy, sum, sumNormal));
                if (wantsWeight)
                    gradients.Pass(weight!, sumNormal);
                if (wantsBias)
                    gradients.Pass(bias!, sum);
            }
            else if (wantsBias)
            {
                var into = gradients.Into(bias!);
                ReduceCall.ToShape(gradients.Device, dy, into.View.Reshape(new Shape(1, dy.Shape[1], 1)), into.Accumulate);
            }
            if (wantsX)
            {
                var into = gradients.Into(x);
                gradients.Device.Run(new BatchNormGradInputCall(planes, mean.View, rstd.View, weight?.View ?? default, dy, training ? sum : default, training ? sumNormal : default,
                    Planes(into.View), into.Accumulate));
            }
        }
    }
}
