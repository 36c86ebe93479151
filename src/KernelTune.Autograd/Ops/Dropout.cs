using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Autograd.Ops;

/// <summary>Inverted dropout in training mode, x itself otherwise. The mask is drawn again in the backward: nothing is saved.</summary>
public static class Dropout
{
    public static Tensor Apply(Tensor x, double p, string site = "dropout")
    {
        if (p == 0 || !x.Session.Training)
            return x;
        var place = Random.Place(x.Session, site);
        var y = x.Session.New(x.Shape);
        x.Session.Run(new DropoutCall(Contiguous.Apply(x).View, y.View, p, place), y);
        return x.Session.Record("dropout", y, [x], new Backward(x, p, place));
    }

    private sealed class Backward(Tensor x, double p, RandomPlace place) : IBackward
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            var dx = gradients.Begin(x);
            gradients.Device.Run(new DropoutCall(gradOutputs[0], dx, p, place));
            gradients.Finish(x, dx);
        }
    }
}
