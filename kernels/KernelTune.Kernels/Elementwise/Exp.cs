using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>e^x.</summary>
public readonly struct Exp : IUnaryOp<None>
{
    public static bool DerivativeReadsOutput => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in None p)
        where V : struct, ILane<V> => V.Exp(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V y, in None p)
        where V : struct, ILane<V> => y;
}
