using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>
/// y = x·rstd·(weight + offset), rstd = 1/√(mean(x²) + eps), over the last axis (Zhang and Sennrich, 2019). X, Y: [rows, C] (rows evenly spaced);
/// Weight: [C] or absent; Rstd: [rows].
/// </summary>
public readonly record struct RmsNormCall(View X, View Weight, View Y, View Rstd, double Eps, double Offset = 0) : ICall
{
    public static string Name => "rms_norm";

    public long Flops => 5 * X.Elements;

    public long Bytes => X.Bytes + Y.Bytes;

    public void Compose(Device device)
    {
        var rstd = Rstd.Unsqueeze(1);
        device.Run(new ReduceCall(X, rstd, 1, Reduction.SumOfSquares));
        device.Run(MapCall.Step<RsqrtAffine, AffineParams>(rstd, rstd, new AffineParams(1.0 / X.Shape[1], Eps)));
        device.Run(MapCall.Binary<Mul, None>(Y, X, rstd.Broadcast(X.Shape)));
        if (Weight.Exists)
            device.Run(MapCall.Step2<MulOffset, AffineParams>(Y, Y, Weight.Broadcast(X.Shape), new AffineParams(1, Offset)));
    }
}

/// <summary>
/// dX of <see cref="RmsNormCall"/>: with g = dY·(weight + offset), dx = rstd·(g − x·rstd²·mean(g·x)); added to DX where Accumulate.
/// </summary>
public readonly record struct RmsNormGradInputCall(View X, View Weight, View Rstd, View DY, View DX, double Offset = 0, bool Accumulate = false) : ICall
{
    public static string Name => "rms_norm_grad_input";

    public long Flops => 8 * X.Elements;

    public long Bytes => X.Bytes + DY.Bytes + DX.Bytes;

    public void Compose(Device device)
    {
        var rstd = Rstd.Unsqueeze(1);
        using var work = new Workspace(device, Name);
        var g = work.Like(X);
        var gx = work.Like(X);
        var mean = work.Take(rstd.Shape, X.Type);
        if (Weight.Exists)
            device.Run(MapCall.Step2<MulOffset, AffineParams>(g, DY, Weight.Broadcast(X.Shape), new AffineParams(1, Offset)));
        else
            device.Run(new CopyCall(DY, g));
        device.Run(MapCall.Binary<Mul, None>(g, g, rstd.Broadcast(X.Shape)));
        device.Run(MapCall.Binary<Mul, None>(gx, g, X));
        device.Run(new ReduceCall(gx, mean, 1, Reduction.Sum));
        device.Run(MapCall.Unary<Scale, ScaleParams>(mean, mean, new ScaleParams(-1.0 / X.Shape[1])));
        device.Run(MapCall.Binary<Mul, None>(mean, mean, rstd));
        device.Run(MapCall.Binary<Mul, None>(mean, mean, rstd));
        device.Run(MapCall.Binary<Mul, None>(gx, X, mean.Broadcast(X.Shape)));
        if (Accumulate)
            device.Run(MapCall.Binary<Add, None>(g, g, DX));
        device.Run(MapCall.Binary<Add, None>(DX, g, gx));
    }
}

/// <summary>dWeight of <see cref="RmsNormCall"/>: Σ over rows of dY·x·rstd; added to DW where Accumulate. DW: [C].</summary>
public readonly record struct RmsNormGradWeightCall(View X, View Rstd, View DY, View DW, bool Accumulate = false) : ICall
{
    public static string Name => "rms_norm_grad_weight";

    public long Flops => 3 * X.Elements;

    public long Bytes => X.Bytes + DY.Bytes;

    public void Compose(Device device)
    {
        using var work = new Workspace(device, Name);
        var g = work.Like(X);
        device.Run(MapCall.Binary<Mul, None>(g, DY, X));
        device.Run(MapCall.Binary<Mul, None>(g, g, Rstd.Unsqueeze(1).Broadcast(X.Shape)));
        device.Run(new ReduceCall(g, DW.Unsqueeze(0), 0, Reduction.Sum, Accumulate));
    }
}
