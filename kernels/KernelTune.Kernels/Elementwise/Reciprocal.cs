using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>1/x.</summary>
public readonly struct Reciprocal : IUnaryOp<None>
{
    public static bool DerivativeReadsOutput => true;

    public static V Forward<V>(V x, in None p)
        where V : struct, ILane<V> => V.One / x;

    public static V Derivative<V>(V y, in None p)
        where V : struct, ILane<V> => -(y * y);
}
