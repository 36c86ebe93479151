using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Autograd.Ops;

/// <summary>The cosines and sines of rotary positions, [B, T, half] each, made once for a forward pass and shared by its layers.</summary>
public readonly record struct RotaryTable(Tensor Cos, Tensor Sin)
{
    /// <summary>The table for positions [B, T] (I64) and inverse frequencies [half].</summary>
    public static RotaryTable Make(Tensor positions, ReadOnlySpan<double> frequencies, double scaling = 1)
    {
        var session = positions.Session;
        var inverse = session.Upload(frequencies, new Shape(frequencies.Length), DType.F64, Devices.Memory.Category.Activations);
        var shape = new Shape(positions.Shape[0], positions.Shape[1], frequencies.Length);
        var (cos, sin) = (session.New(shape), session.New(shape));
        int n = positions.Shape[0] * positions.Shape[1];
        var rows = new Shape(n, frequencies.Length);
        session.Device.Run(new RotaryTableCall(positions.View.Reshape(new Shape(n)), inverse.View, cos.View.Reshape(rows), sin.View.Reshape(rows), scaling));
        return new RotaryTable(cos, sin);
    }
}

/// <summary>
/// Rotary embedding (Su et al., 2021) of x [B, T, H, D]: pairs (j, j + half), or (2j, 2j + 1) where interleaved; channels beyond 2·half pass through.
/// </summary>
/// <exception cref="ShapeException">The table is not of x's batch and length, or wider than D.</exception>
public static class RotaryOp
{
    public static Tensor Apply(Tensor x, RotaryTable table, bool interleaved = false)
    {
        var (cos, sin) = (table.Cos, table.Sin);
        if (x.Shape.Length != 4 || cos.Shape[1] != x.Shape[1] || (cos.Shape[0] != x.Shape[0] && cos.Shape[0] != 1) || 2 * cos.Shape[2] > x.Shape[3])
            throw new ShapeException("rotary", $"x {x.Shape} with a table {cos.Shape}");
        x = Contiguous.LastAxis(x);
        var shape = cos.Shape.With(0, x.Shape[0]);
        var y = x.Session.New(x.Shape);
        x.Session.Run(new RotaryCall(x.View, cos.View.Broadcast(shape), sin.View.Broadcast(shape), y.View, interleaved), y);
        return x.Session.Record("rotary", y, [x], new Backward(x, cos, sin, interleaved), cos, sin);
    }

    private sealed class Backward(Tensor x, Tensor cos, Tensor sin, bool interleaved) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            var shape = cos.Shape.With(0, x.Shape[0]);
            var dx = gradients.Begin(x);
            gradients.Device.Run(new RotaryCall(gradOutputs[0], cos.View.Broadcast(shape), sin.View.Broadcast(shape), dx, interleaved, true));
            gradients.Finish(x, dx);
        }
    }
}
