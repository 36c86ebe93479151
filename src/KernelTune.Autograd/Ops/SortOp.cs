using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Autograd.Ops;

/// <summary>
/// The numbers along one axis in order, and where each stood (I64, without a gradient). Stable; NaN is greater than everything. Another axis than the last costs copies.
/// </summary>
public static class SortOp
{
    public static (Tensor Values, Tensor Index) Apply(Tensor x, int axis = -1, bool descending = false)
    {
        int a = x.Shape.Axis(axis);
        if (a != x.Shape.Length - 1)
        {
            int[] order = [.. Enumerable.Range(0, x.Shape.Length)];
            (order[a], order[^1]) = (order[^1], order[a]);
            var (turned, places) = Apply(Permute.Apply(x, order), -1, descending);
            return (Permute.Apply(turned, order), Permute.Apply(places, order));
        }
        var (values, index) = (x.Session.New(x.Shape), x.Session.New(x.Shape, DType.I64));
        x.Device.Run(new SortCall(x.View, values.View, index.View, descending));
        return (x.Session.Record("sort", values, [x], new Backward(x, index), index), index);
    }

    private sealed class Backward(Tensor x, Tensor index) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(x) || x.View.Elements == 0)
                return;
            var device = gradients.Device;
            int elements = checked((int)x.View.Elements), length = x.Shape[^1];
            var shape = new Shape(elements / length, length);

            // Each place in the flat x: that of its row's start, and its own in the row. Formulas run over reals; these are exact in double.
            using var work = new Workspace(device, "sort_grad");
            var (starts, places, ids) = (work.Take(new Shape(shape[0], 1), DType.F64), work.Take(shape, DType.F64), work.Take(shape, DType.I64));
            device.Run(new RampCall(starts.Reshape(new Shape(shape[0])), 0, length));
            device.Run(new CopyCall(index.View.Reshape(shape), places));
            device.Run(MapCall.Binary<Add, None>(places, places, starts.Broadcast(shape)));
            device.Run(new CopyCall(places, ids));
            var column = new Shape(elements, 1);
            device.Run(new ScatterAddCall(gradOutputs[0].Reshape(column), ids.Reshape(new Shape(elements)), gradients.IntoZeroed(x).Reshape(column)));
        }
    }
}

/// <summary>The k greatest numbers along one axis, the greatest first, or the k least, the least first; and where each stood (I64).</summary>
public static class TopK
{
    /// <exception cref="ShapeException">k is not in [0, the axis's length].</exception>
    public static (Tensor Values, Tensor Index) Apply(Tensor x, int k, int axis = -1, bool largest = true)
    {
        int a = x.Shape.Axis(axis);
        if (k < 0 || k > x.Shape[a])
            throw new ShapeException("top_k", $"k {k} of axis {a} of {x.Shape}");
        var (values, index) = SortOp.Apply(x, a, largest);
        return (Slice.Apply(values, a, 0, k), Slice.Apply(index, a, 0, k));
    }
}
