using KernelTune.Devices;
using KernelTune.Devices.Calls;

namespace KernelTune.Autograd.Ops;

/// <summary>
/// Softmax along one axis, or its logarithm. A row of −∞ alone gives NaN, or zeros where emptyIsZero is asked for. Another axis than the last costs two copies.
/// </summary>
public static class SoftmaxOp
{
    public static Tensor Apply(Tensor x, int axis = -1, bool log = false, bool emptyIsZero = false)
    {
        int a = x.Shape.Axis(axis);
        if (a != x.Shape.Length - 1)
        {
            var order = Enumerable.Range(0, x.Shape.Length).ToArray();
            (order[a], order[^1]) = (order[^1], order[a]);
            return Permute.Apply(Apply(Permute.Apply(x, order), -1, log, emptyIsZero), order);
        }
        x = Contiguous.Apply(x);
        var y = x.Session.New(x.Shape);
        x.Session.Run(new SoftmaxCall(LinearOp.Rows(x.View), LinearOp.Rows(y.View), log, emptyIsZero), y);
        return x.Session.Record(log ? "log_softmax" : "softmax", y, [x], new Backward(x, y, log), y);
    }

    private sealed class Backward(Tensor x, Tensor y, bool log) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            var into = gradients.Into(x);
            gradients.Device.Run(new SoftmaxGradCall(LinearOp.Rows(y.View), LinearOp.Rows(gradOutputs[0]), LinearOp.Rows(into.View), log, into.Accumulate));
        }
    }
}
