using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Modules;

/// <summary>
/// y = (x − mean)/√(var + eps)·weight + bias, channel by channel. In training mode, where the weight trains: the batch's own statistics, of which the running ones take a share. Else the
/// running ones as they are: a norm of a frozen base keeps its statistics, whatever the mode.
/// </summary>
public sealed class BatchNorm2d : Module<Tensor, Tensor>
{
    /// <param name="path">Module path.</param>
    /// <param name="channels">Planes of x [B, C, H, W].</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="momentum">The share that the running statistics take of a batch's.</param>
    public BatchNorm2d(string path, int channels, double eps = 1e-5, double momentum = 0.1)
        : base(path)
    {
        (Channels, Eps, Momentum) = (channels, eps, momentum);
        Weight = Own("weight", new Shape(channels));
        Bias = Own("bias", new Shape(channels));
        RunningMean = OwnBuffer("running_mean", new Shape(channels));
        RunningVariance = OwnBuffer("running_var", new Shape(channels));
        BatchesTracked = OwnBuffer("num_batches_tracked", new Shape(), DType.I64);
    }

    public int Channels { get; }

    public double Eps { get; }

    public double Momentum { get; }

    public Parameter Weight { get; }

    public Parameter Bias { get; }

    public Parameter RunningMean { get; }

    public Parameter RunningVariance { get; }

    /// <summary>How many batches the running statistics have seen; from 2^24 on it stays there, as fp32 has no next number. Nothing is computed from it.</summary>
    public Parameter BatchesTracked { get; }

    public override bool ChangesBuffers => Weight.Trainable;

    public override Tensor Forward(in Tensor x)
    {
        bool training = x.Session.Training && Weight.Trainable;
        if (training && x.Session.Recomputing)
            return BatchNormOp.Apply(x, Weight.Value, Bias.Value, null, null, true, Momentum, Eps);      // the same statistics again: they have been counted
        if (training)
        {
            var count = BatchesTracked.Value.View;
            x.Device.Run(MapCall.Unary<AffineOf, AffineParams>(count, count, new AffineParams(1, 1)));
        }
        return BatchNormOp.Apply(x, Weight.Value, Bias.Value, RunningMean.Value, RunningVariance.Value, training, Momentum, Eps);
    }
}
