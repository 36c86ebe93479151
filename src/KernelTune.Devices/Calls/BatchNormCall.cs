using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>mean[c] and var[c] of each channel over images and positions, var with the divisor n. X: [B, C, L] dense; Mean, Variance: [C] dense.</summary>
public readonly record struct BatchStatisticsCall(View X, View Mean, View Variance) : ICall
{
    public static string Name => "batch_statistics";

    public long Flops => 4 * X.Elements;

    public long Bytes => X.Bytes;

    public void Compose(Device device)
    {
        double inverse = 1.0 / ((double)X.Shape[0] * X.Shape[2]);
        var (mean, variance) = (Column(Mean), Column(Variance));
        using var work = new Workspace(device, Name);
        var centred = work.Like(X);
        ReduceCall.ToShape(device, X, mean, false);
        device.Run(MapCall.Unary<Scale, ScaleParams>(mean, mean, new ScaleParams(inverse)));
        device.Run(MapCall.Binary<Sub, None>(centred, X, mean.Broadcast(X.Shape)));

        // Where the mean is far greater than the deviations, its rounding is seen in them: what it left is the mean of the differences.
        var rest = work.Like(mean);
        ReduceCall.ToShape(device, centred, rest, false);
        device.Run(MapCall.Unary<Scale, ScaleParams>(rest, rest, new ScaleParams(inverse)));
        device.Run(MapCall.Binary<Sub, None>(centred, centred, rest.Broadcast(X.Shape)));
        device.Run(MapCall.Binary<Add, None>(mean, mean, rest));
        var squares = work.Take(X.Shape.With(2, 1), X.Type);
        device.Run(new ReduceCall(centred, squares, 2, Reduction.SumOfSquares));
        device.Run(new ReduceCall(squares, variance, 0, Reduction.Sum));
        device.Run(MapCall.Unary<Scale, ScaleParams>(variance, variance, new ScaleParams(inverse)));
    }

    /// <summary>A number a channel as [1, C, 1].</summary>
    internal static View Column(in View channels) => channels.Reshape(new Shape(1, channels.Shape[0], 1));
}

/// <summary>y = (x − mean)·rstd·weight + bias, channel by channel (Ioffe and Szegedy, 2015). X, Y: [B, C, L] dense; Mean, Rstd: [C]; Weight, Bias: [C], either may be absent.</summary>
public readonly record struct BatchNormCall(View X, View Mean, View Rstd, View Weight, View Bias, View Y) : ICall
{
    public static string Name => "batch_norm";

    public long Flops => 4 * X.Elements;

    public long Bytes => X.Bytes + Y.Bytes;

    public void Compose(Device device)
    {
        device.Run(MapCall.Binary<Sub, None>(Y, X, BatchStatisticsCall.Column(Mean).Broadcast(X.Shape)));
        device.Run(MapCall.Binary<Mul, None>(Y, Y, BatchStatisticsCall.Column(Rstd).Broadcast(X.Shape)));
        if (Weight.Exists)
            device.Run(MapCall.Binary<Mul, None>(Y, Y, BatchStatisticsCall.Column(Weight).Broadcast(X.Shape)));
        if (Bias.Exists)
            device.Run(MapCall.Binary<Add, None>(Y, Y, BatchStatisticsCall.Column(Bias).Broadcast(X.Shape)));
    }
}

/// <summary>
/// The two sums of a channel that all gradients of a batch norm are made of: Sum[c] = Σ dy and SumNormal[c] = Σ dy·(x − mean)·rstd, over images and positions. They are the
/// gradients of bias and weight. X, DY: [B, C, L] dense; all else: [C].
/// </summary>
public readonly record struct BatchNormGradSumsCall(View X, View Mean, View Rstd, View DY, View Sum, View SumNormal) : ICall
{
    public static string Name => "batch_norm_grad_sums";

    public long Flops => 4 * X.Elements;

    public long Bytes => X.Bytes + DY.Bytes;

    public void Compose(Device device)
    {
        ReduceCall.ToShape(device, DY, BatchStatisticsCall.Column(Sum), false);
        using var work = new Workspace(device, Name);
        var n = work.Like(X);
        device.Run(MapCall.Binary<Sub, None>(n, X, BatchStatisticsCall.Column(Mean).Broadcast(X.Shape)));
        device.Run(MapCall.Binary<Mul, None>(n, n, BatchStatisticsCall.Column(Rstd).Broadcast(X.Shape)));
        device.Run(MapCall.Binary<Mul, None>(n, n, DY));
        ReduceCall.ToShape(device, n, BatchStatisticsCall.Column(SumNormal), false);
    }
}

/// <summary>
/// dX of a batch norm, or dX += that. Where the statistics are the batch's own: weight·rstd·(dy − Sum/n − (x − mean)·rstd·SumNormal/n), the sums being those of
/// <see cref="BatchNormGradSumsCall"/> and n = B·L. Where Sum is absent, the statistics are constants: weight·rstd·dy, and X and Mean are not read. X, DY, DX: [B, C, L] dense.
/// </summary>
public readonly record struct BatchNormGradInputCall(View X, View Mean, View Rstd, View Weight, View DY, View Sum, View SumNormal, View DX, bool Accumulate = false) : ICall
{
    public static string Name => "batch_norm_grad_input";

    public long Flops => (Sum.Exists ? 7 : 2) * DY.Elements;

    public long Bytes => (Sum.Exists ? X.Bytes : 0) + DY.Bytes + DX.Bytes;

    public void Compose(Device device)
    {
        var shape = DY.Shape;
        using var work = new Workspace(device, Name);
        var g = Accumulate ? work.Like(DY) : DX;
        if (Sum.Exists)
        {
            double inverse = -1.0 / ((double)shape[0] * shape[2]);
            var (slope, mean) = (work.Like(Rstd), work.Like(Sum));
            var n = work.Like(X);
            device.Run(MapCall.Binary<Mul, None>(slope, Rstd, SumNormal));
            device.Run(MapCall.Unary<Scale, ScaleParams>(slope, slope, new ScaleParams(inverse)));
            device.Run(MapCall.Unary<Scale, ScaleParams>(mean, Sum, new ScaleParams(inverse)));
            device.Run(MapCall.Binary<Sub, None>(n, X, BatchStatisticsCall.Column(Mean).Broadcast(shape)));
            device.Run(MapCall.Binary<Mul, None>(n, n, BatchStatisticsCall.Column(slope).Broadcast(shape)));
            device.Run(MapCall.Binary<Add, None>(n, n, DY));
            device.Run(MapCall.Binary<Add, None>(g, n, BatchStatisticsCall.Column(mean).Broadcast(shape)));
        }
        var rstd = BatchStatisticsCall.Column(Rstd).Broadcast(shape);
        device.Run(MapCall.Binary<Mul, None>(g, Sum.Exists ? g : DY, rstd));
        if (Weight.Exists)
            device.Run(MapCall.Binary<Mul, None>(g, g, BatchStatisticsCall.Column(Weight).Broadcast(shape)));
        if (Accumulate)
            device.Run(MapCall.Binary<Add, None>(DX, DX, g));
    }
}
