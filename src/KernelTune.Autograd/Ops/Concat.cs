using KernelTune.Devices;
using KernelTune.Devices.Calls;

namespace KernelTune.Autograd.Ops;

/// <summary>Tensors end to end along one axis, as a dense copy. Their other axes are equal.</summary>
/// <exception cref="ShapeException">Shapes differ beyond that axis.</exception>
public static class Concat
{
    public static Tensor Apply(int axis, Tensor first, Tensor second)
    {
        axis = first.Shape.Axis(axis);
        int split = first.Shape[axis];
        if (first.Shape.Length != second.Shape.Length || first.Shape.With(axis, second.Shape[axis]) != second.Shape)
            throw new ShapeException("concat", $"{first.Shape} and {second.Shape} along axis {axis}");
        var session = second.Parameter is null ? second.Session : first.Session;
        var y = session.New(first.Shape.With(axis, split + second.Shape[axis]), first.Type);
        session.Run(new CopyCall(first.View, y.View.Slice(axis, 0, split)), y);
        session.Run(new CopyCall(second.View, y.View.Slice(axis, split, second.Shape[axis])), y);
        return session.Record("concat", y, [first, second], new Backward(first, second, axis, split));
    }

    private sealed class Backward(Tensor first, Tensor second, int axis, int split) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (gradients.Wants(first))
                gradients.Pass(first, gradOutputs[0].Slice(axis, 0, split));
            if (gradients.Wants(second))
                gradients.Pass(second, gradOutputs[0].Slice(axis, split, second.Shape[axis]));
        }
    }
}

/// <summary>x repeated along axes of length 1, or along new axes in front of its own: a view. The gradient is summed over the copies.</summary>
/// <exception cref="ShapeException">x does not broadcast to the shape.</exception>
public static class Expand
{
    public static Tensor Apply(Tensor x, Shape shape)
    {
        var y = x.Session.Wrap(x.View.Broadcast(shape));
        return x.Session.Record("expand", y, [x], new Backward(x));
    }

    private sealed class Backward(Tensor x) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            var into = gradients.Into(x);
            ReduceCall.ToShape(gradients.Device, gradOutputs[0], into.View, into.Accumulate);
        }
    }
}
