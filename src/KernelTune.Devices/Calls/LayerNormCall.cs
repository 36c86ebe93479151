using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>
/// y = (x − mean)·rstd·weight + bias, rstd = 1/√(var + eps), var with divisor C, over the last axis (Ba et al., 2016). X, Y: [rows, C];
/// Weight, Bias: [C] or absent; Mean, Rstd: [rows].
/// </summary>
public readonly record struct LayerNormCall(View X, View Weight, View Bias, View Y, View Mean, View Rstd, double Eps) : ICall
{
    public static string Name => "layer_norm";

    public long Flops => 8 * X.Elements;

    public long Bytes => X.Bytes + Y.Bytes;

    public void Compose(Device device)
    {
        var (mean, rstd) = (Mean.Unsqueeze(1), Rstd.Unsqueeze(1));
        device.Run(new ReduceCall(X, mean, 1, Reduction.Sum));
        device.Run(MapCall.Unary<Scale, ScaleParams>(mean, mean, new ScaleParams(1.0 / X.Shape[1])));
        device.Run(MapCall.Binary<Sub, None>(Y, X, mean.Broadcast(X.Shape)));

        // Where the mean is far greater than the deviations, its rounding is seen in them: what it left is the mean of the differences.
        using var work = new Workspace(device, Name);
        var rest = work.Like(mean);
        device.Run(new ReduceCall(Y, rest, 1, Reduction.Sum));
        device.Run(MapCall.Unary<Scale, ScaleParams>(rest, rest, new ScaleParams(1.0 / X.Shape[1])));
        device.Run(MapCall.Binary<Sub, None>(Y, Y, rest.Broadcast(X.Shape)));
        device.Run(MapCall.Binary<Add, None>(mean, mean, rest));
        device.Run(new ReduceCall(Y, rstd, 1, Reduction.SumOfSquares));
        device.Run(MapCall.Step<RsqrtAffine, AffineParams>(rstd, rstd, new AffineParams(1.0 / X.Shape[1], Eps)));
        device.Run(MapCall.Binary<Mul, None>(Y, Y, rstd.Broadcast(X.Shape)));
        if (Weight.Exists)
            device.Run(MapCall.Binary<Mul, None>(Y, Y, Weight.Broadcast(X.Shape)));
        if (Bias.Exists)
            device.Run(MapCall.Binary<Add, None>(Y, Y, Bias.Broadcast(X.Shape)));
    }
}

/// <summary>dX of <see cref="LayerNormCall"/>: with g = dY·weight and n = (x − mean)·rstd, dx = rstd·(g − mean(g) − n·mean(g·n)).</summary>
public readonly record struct LayerNormGradInputCall(View X, View Weight, View Mean, View Rstd, View DY, View DX, bool Accumulate = false) : ICall
{
    public static string Name => "layer_norm_grad_input";

    public long Flops => 12 * X.Elements;

    public long Bytes => X.Bytes + DY.Bytes + DX.Bytes;

    public void Compose(Device device)
    {
        var (mean, rstd) = (Mean.Unsqueeze(1), Rstd.Unsqueeze(1));
        double inverse = -1.0 / X.Shape[1];
        using var work = new Workspace(device, Name);
        var (g, n, gn) = (work.Like(X), work.Like(X), work.Like(X));
        var (meanG, meanGn) = (work.Take(rstd.Shape, X.Type), work.Take(rstd.Shape, X.Type));
        if (Weight.Exists)
            device.Run(MapCall.Binary<Mul, None>(g, DY, Weight.Broadcast(X.Shape)));
        else
            device.Run(new CopyCall(DY, g));
        device.Run(MapCall.Binary<Sub, None>(n, X, mean.Broadcast(X.Shape)));
        device.Run(MapCall.Binary<Mul, None>(n, n, rstd.Broadcast(X.Shape)));
        device.Run(MapCall.Binary<Mul, None>(gn, g, n));
        device.Run(new ReduceCall(g, meanG, 1, Reduction.Sum));
        device.Run(new ReduceCall(gn, meanGn, 1, Reduction.Sum));
        device.Run(MapCall.Unary<Scale, ScaleParams>(meanG, meanG, new ScaleParams(inverse)));
        device.Run(MapCall.Unary<Scale, ScaleParams>(meanGn, meanGn, new ScaleParams(inverse)));
        device.Run(MapCall.Binary<Mul, None>(n, n, meanGn.Broadcast(X.Shape)));
        device.Run(MapCall.Binary<Add, None>(g, g, n));
        device.Run(MapCall.Binary<Add, None>(g, g, meanG.Broadcast(X.Shape)));
        device.Run(MapCall.Binary<Mul, None>(g, g, rstd.Broadcast(X.Shape)));
        if (Accumulate)
            device.Run(MapCall.Binary<Add, None>(DX, DX, g));
        else
            device.Run(new CopyCall(g, DX));
    }
}

/// <summary>dWeight = Σ dY·(x − mean)·rstd and dBias = Σ dY over rows; either may be absent; added where Accumulate. DW, DB: [C].</summary>
public readonly record struct LayerNormGradWeightCall(View X, View Mean, View Rstd, View DY, View DW, View DB, bool AccumulateW = false, bool AccumulateB = false) : ICall
{
    public static string Name => "layer_norm_grad_weight";

    public long Flops => 4 * X.Elements;

    public long Bytes => X.Bytes + DY.Bytes;

    public void Compose(Device device)
    {
        if (DB.Exists)
            device.Run(new ReduceCall(DY, DB.Unsqueeze(0), 0, Reduction.Sum, AccumulateB));
        if (!DW.Exists)
            return;
        using var work = new Workspace(device, Name);
        var n = work.Like(X);
        device.Run(MapCall.Binary<Sub, None>(n, X, Mean.Unsqueeze(1).Broadcast(X.Shape)));
        device.Run(MapCall.Binary<Mul, None>(n, n, Rstd.Unsqueeze(1).Broadcast(X.Shape)));
        device.Run(MapCall.Binary<Mul, None>(n, n, DY));
        device.Run(new ReduceCall(n, DW.Unsqueeze(0), 0, Reduction.Sum, AccumulateW));
    }
}
