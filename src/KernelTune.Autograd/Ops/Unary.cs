using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Autograd.Ops;

/// <summary>y = f(x), elementwise, for any formula: <c>Unary.Apply&lt;Silu&gt;(x)</c>. y has x's shape.</summary>
public static class Unary
{
    /// <summary>A formula without parameters.</summary>
    public static Tensor Apply<TOp>(Tensor x)
        where TOp : struct, IUnaryOp<None> => Apply<TOp, None>(x, default);

    /// <summary>A formula with parameters.</summary>
    public static Tensor Apply<TOp, P>(Tensor x, P parameters)
        where TOp : struct, IUnaryOp<P>
        where P : struct
    {
        var y = x.Session.New(x.Shape);
        x.Session.Run(MapCall.Unary<TOp, P>(y.View, x.View, parameters), y);
        var kept = TOp.DerivativeReadsOutput ? y : x;
        return x.Session.Record(typeof(TOp).Name, y, [x], new Backward<TOp, P>(x, kept, parameters), kept);
    }

    private sealed class Backward<TOp, P>(Tensor x, Tensor kept, P parameters) : IBackward
        where TOp : struct, IUnaryOp<P>
        where P : struct
    {
        public void Run(ReadOnlySpan<View> gradOutputs, Gradients gradients)
        {
            if (!gradients.Wants(x))
                return;
            var into = gradients.Into(x);
            MapCall.UnaryGrad<TOp, P>(gradients.Device, into.View, into.Accumulate, kept.View, gradOutputs[0], parameters);
        }
    }
}
