using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Autograd.Ops;

/// <summary>y = f(gate)·up in one pass, f the formula of the gate (SiLU: SwiGLU, Shazeer 2020). gate, up, y: one shape.</summary>
/// <exception cref="ShapeException">gate and up differ in shape.</exception>
public static class GatedProduct
{
    /// <summary>A gate without parameters.</summary>
    public static Tensor Apply<TOp>(Tensor gate, Tensor up)
        where TOp : struct, IBinaryOp<None> => Apply<TOp, None>(gate, up, default);

    /// <summary>A gate with parameters.</summary>
    public static Tensor Apply<TOp, P>(Tensor gate, Tensor up, P parameters)
        where TOp : struct, IBinaryOp<P>
        where P : struct
    {
        if (gate.Shape != up.Shape)
            throw new ShapeException("swiglu", $"gate {gate.Shape} beside up {up.Shape}");
        var session = gate.Parameter is null ? gate.Session : up.Session;
        var y = session.New(gate.Shape);
        session.Run(MapCall.Binary<TOp, P>(y.View, gate.View, up.View, parameters), y);
        return session.Record("swiglu", y, [gate, up], new Backward<TOp, P>(gate, up, parameters), gate, up);
    }

    private sealed class Backward<TOp, P>(Tensor gate, Tensor up, P parameters) : IBackward
        where TOp : struct, IBinaryOp<P>
        where P : struct
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(gate) || !gradients.Wants(up))
            {
                using var work = new Devices.Memory.Workspace(gradients.Device, "swiglu");
                var wanted = gradients.Wants(gate) ? gate : up;
                var other = work.Like(gradOutputs[0]);
                var one = gradients.Begin(wanted);
                gradients.Device.Run(wanted == gate
                    ? MapCall.BinaryGrad<TOp, P>(one, other, gate.View, up.View, gradOutputs[0], parameters)
                    : MapCall.BinaryGrad<TOp, P>(other, one, gate.View, up.View, gradOutputs[0], parameters));
                gradients.Finish(wanted, one);
                return;
            }
            var (dGate, dUp) = (gradients.Begin(gate), gradients.Begin(up));
            gradients.Device.Run(MapCall.BinaryGrad<TOp, P>(dGate, dUp, gate.View, up.View, gradOutputs[0], parameters));
            gradients.Finish(gate, dGate);
            gradients.Finish(up, dUp);
        }
    }
}
