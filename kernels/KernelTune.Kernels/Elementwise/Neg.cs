using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>−x.</summary>
public readonly struct Neg : IUnaryOp<None>
{
    public static bool DerivativeReadsOutput => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in None p)
        where V : struct, ILane<V> => -x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, in None p)
        where V : struct, ILane<V> => V.Create(-1.0);
}
