using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>−x.</summary>
public readonly struct Neg : IUnaryOp<None>
{
    public static bool DerivativeReadsOutput => false;

    public static V Forward<V>(V x, in None p)
        where V : struct, ILane<V> => -x;

    public static V Derivative<V>(V x, in None p)
        where V : struct, ILane<V> => V.Create(-1.0);
}
