using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Autograd.Ops;

/// <summary>y = f(a, b), elementwise with NumPy's broadcasting: <c>Binary.Apply&lt;Add&gt;(a, b)</c>. Gradients are summed back to the inputs' shapes.</summary>
/// <exception cref="ShapeException">The shapes do not broadcast.</exception>
public static class Binary
{
    public static Tensor Apply<TOp>(Tensor a, Tensor b)
        where TOp : struct, IBinaryOp<None>
    {
        var session = a.Parameter is null ? a.Session : b.Session;
        var shape = Shape.Broadcast(a.Shape, b.Shape, typeof(TOp).Name);
        var y = session.New(shape);
        session.Run(MapCall.Binary<TOp, None>(y.View, a.View.Broadcast(shape), b.View.Broadcast(shape)), y);
        if (typeof(TOp) == typeof(Add))
            return session.Record("Add", y, [a, b], new AddBackward(a, b));
        return session.Record(typeof(TOp).Name, y, [a, b], new Backward<TOp>(a, b), a, b);
    }

    // The gradient of a sum is the gradient of its terms: nothing is saved and, where the shapes agree, nothing is computed.
    private sealed class AddBackward(Tensor a, Tensor b) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            Give(a, gradOutputs[0], gradients);
            Give(b, gradOutputs[0], gradients);
        }

        private static void Give(Tensor x, in View dy, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            if (x.Shape == dy.Shape)
            {
                gradients.Pass(x, dy);
                return;
            }
            var into = gradients.Into(x);
            ReduceCall.ToShape(gradients.Device, dy, into.View, into.Accumulate);
        }
    }

    private sealed class Backward<TOp>(Tensor a, Tensor b) : IBackward
        where TOp : struct, IBinaryOp<None>
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            var dy = gradOutputs[0];
            using var work = new Workspace(gradients.Device, typeof(TOp).Name);
            var (da, db) = (work.Like(dy), work.Like(dy));
            gradients.Device.Run(MapCall.BinaryGrad<TOp, None>(da, db, a.View.Broadcast(dy.Shape), b.View.Broadcast(dy.Shape), dy));
            Give(a, da, gradients);
            Give(b, db, gradients);
        }

        private static void Give(Tensor x, in View dx, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            var into = gradients.Into(x);
            ReduceCall.ToShape(gradients.Device, dx, into.View, into.Accumulate);
        }
    }
}
