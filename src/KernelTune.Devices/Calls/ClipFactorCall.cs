using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>
/// norm = √Σ squares and factor = min(1, limit/(norm + 1e-6)), PyTorch's clip_grad_norm; limit 0: factor 1. Squares: F64 [n], one a tensor; Norm, Factor: one element.
/// </summary>
public readonly record struct ClipFactorCall(View Squares, View Norm, View Factor, double Limit) : ICall
{
    public static string Name => "clip_factor";

    public long Flops => Squares.Elements;

    public long Bytes => Squares.Bytes;

    public void Compose(Device device)
    {
        using var work = new Memory.Workspace(device, Name);
        var sum = work.Take(new Shape(1), Squares.Type);
        device.Run(new ReduceCall(Squares, sum, 0, Reduction.Sum));
        device.Run(MapCall.Unary<Sqrt, None>(sum, sum));
        device.Run(new CopyCall(sum, Norm));
        if (Limit == 0)
        {
            device.Run(new FillCall(Factor, 1));
            return;
        }
        device.Run(MapCall.Step<ClipFactor, ScaleParams>(sum, sum, new ScaleParams(Limit)));
        device.Run(new CopyCall(sum, Factor));
    }
}
