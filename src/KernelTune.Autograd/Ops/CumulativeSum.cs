using KernelTune.Devices;
using KernelTune.Devices.Calls;

namespace KernelTune.Autograd.Ops;

/// <summary>y[i] = Σ x[j] over j ≤ i along one axis. x: real, or I64 without a gradient.</summary>
public static class CumulativeSum
{
    public static Tensor Apply(Tensor x, int axis = -1)
    {
        int a = x.Shape.Axis(axis);
        var y = x.Session.New(x.Shape, x.Type);
        x.Device.Run(new ScanCall(x.View, y.View, a));
        return x.Session.Record("cumulative_sum", y, [x], new Backward(x, a));
    }

    private sealed class Backward(Tensor x, int axis) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            var dx = gradients.Begin(x);
            gradients.Device.Run(new ScanCall(gradOutputs[0], dx, axis, Reverse: true));
            gradients.Finish(x, dx);
        }
    }
}
