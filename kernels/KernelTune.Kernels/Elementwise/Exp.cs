using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>e^x.</summary>
public readonly struct Exp : IUnaryOp<None>
{
    public static bool DerivativeReadsOutput => true;

    public static V Forward<V>(V x, in None p)
        where V : struct, ILane<V> => V.Exp(x);

    public static V Derivative<V>(V y, in None p)
        where V : struct, ILane<V> => y;
}
