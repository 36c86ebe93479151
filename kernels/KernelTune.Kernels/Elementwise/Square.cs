using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>x².</summary>
public readonly struct Square : IUnaryOp<None>
{
    public static bool DerivativeReadsOutput => false;

    public static V Forward<V>(V x, in None p)
        where V : struct, ILane<V> => x * x;

    public static V Derivative<V>(V x, in None p)
        where V : struct, ILane<V> => x + x;
}
