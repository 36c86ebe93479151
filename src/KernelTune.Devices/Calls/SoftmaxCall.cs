using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices.Calls;

/// <summary>
/// y = e^(x − max)/Σ, or its logarithm where Log, over the last axis. X, Y: [rows, C]. A row of −∞ alone gives zeros where
/// <paramref name="EmptyIsZero"/>, else NaN. Y may be X.
/// </summary>
public readonly record struct SoftmaxCall(View X, View Y, bool Log = false, bool EmptyIsZero = false) : ICall
{
    public static string Name => "softmax";

    public long Flops => 6 * X.Elements;

    public long Bytes => X.Bytes + Y.Bytes;

    public void Compose(Device device)
    {
        using var work = new Workspace(device, Name);
        var row = X.Shape.With(-1, 1);
        var (max, sum, e) = (work.Take(row, X.Type), work.Take(row, X.Type), work.Like(X));
        int axis = X.Rank - 1;
        device.Run(new ReduceCall(X, max, axis, Reduction.Max));
        if (EmptyIsZero)
            device.Run(MapCall.Step<FiniteOrZero, None>(max, max));
        device.Run(MapCall.Binary<Sub, None>(Y, X, max.Broadcast(X.Shape)));
        device.Run(MapCall.Unary<Exp, None>(e, Y));
        device.Run(new ReduceCall(e, sum, axis, Reduction.Sum));
        if (Log)
        {
            device.Run(MapCall.Unary<Log, None>(sum, sum));
            device.Run(MapCall.Binary<Sub, None>(Y, Y, sum.Broadcast(X.Shape)));
        }
        else
        {
            device.Run(MapCall.Step<ReciprocalOrZero, None>(sum, sum));
            device.Run(MapCall.Binary<Mul, None>(Y, e, sum.Broadcast(X.Shape)));
        }
    }
}

/// <summary>dX of <see cref="SoftmaxCall"/> from its output: y·(dy − Σ dy·y), or dy − e^y·Σ dy where Log; added where Accumulate.</summary>
public readonly record struct SoftmaxGradCall(View Y, View DY, View DX, bool Log = false, bool Accumulate = false) : ICall
{
    public static string Name => "softmax_grad";

    public long Flops => 4 * Y.Elements;

    public long Bytes => Y.Bytes + DY.Bytes + DX.Bytes;

    public void Compose(Device device)
    {
        using var work = new Workspace(device, Name);
        int axis = Y.Rank - 1;
        var (sum, t) = (work.Take(Y.Shape.With(-1, 1), Y.Type), work.Like(Y));
        if (Log)
        {
            device.Run(new ReduceCall(DY, sum, axis, Reduction.Sum));
            device.Run(MapCall.Unary<Exp, None>(t, Y));
            device.Run(MapCall.Binary<Mul, None>(t, t, sum.Broadcast(Y.Shape)));
            device.Run(MapCall.Binary<Sub, None>(t, DY, t));
        }
        else
        {
            device.Run(MapCall.Binary<Mul, None>(t, DY, Y));
            device.Run(new ReduceCall(t, sum, axis, Reduction.Sum));
            device.Run(MapCall.Binary<Sub, None>(t, DY, sum.Broadcast(Y.Shape)));
            device.Run(MapCall.Binary<Mul, None>(t, t, Y));
        }
        if (Accumulate)
            device.Run(MapCall.Binary<Add, None>(DX, DX, t));
        else
            device.Run(new CopyCall(t, DX));
    }
}
