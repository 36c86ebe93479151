using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Autograd.Ops;

/// <summary>y = f(gate)·up in one pass, f the formula of the gate (SiLU: SwiGLU, Shazeer 2020). gate, up, y: one shape.</summary>
/// <exception cref="ShapeException">gate and up differ in shape.</exception>
public static class GatedProduct
{
    public static Tensor Apply<TOp>(Tensor gate, Tensor up)
        where TOp : struct, IBinaryOp<None>
    {
        if (gate.Shape != up.Shape)
            throw new ShapeException("swiglu", $"gate {gate.Shape} beside up {up.Shape}");
        var session = gate.Parameter is null ? gate.Session : up.Session;
        var y = session.New(gate.Shape);
        session.Device.Run(MapCall.Binary<TOp, None>(y.View, gate.View, up.View));
        return session.Record("swiglu", y, [gate, up], new Backward<TOp>(gate, up), gate, up);
    }

    private sealed class Backward<TOp>(Tensor gate, Tensor up) : IBackward
        where TOp : struct, IBinaryOp<None>
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
                    ? MapCall.BinaryGrad<TOp, None>(one, other, gate.View, up.View, gradOutputs[0])
                    : MapCall.BinaryGrad<TOp, None>(other, one, gate.View, up.View, gradOutputs[0]));
                gradients.Finish(wanted, one);
                return;
            }
            var (dGate, dUp) = (gradients.Begin(gate), gradients.Begin(up));
            gradients.Device.Run(MapCall.BinaryGrad<TOp, None>(dGate, dUp, gate.View, up.View, gradOutputs[0]));
            gradients.Finish(gate, dGate);
            gradients.Finish(up, dUp);
        }
    }
}
