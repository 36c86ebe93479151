using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>σ(x) = 1/(1 + e^−x).</summary>
public readonly struct Sigmoid : IUnaryOp<None>
{
    public static bool DerivativeReadsOutput => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in None p)
        where V : struct, ILane<V> => V.One / (V.One + V.Exp(-x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V y, in None p)
        where V : struct, ILane<V> => y * (V.One - y);
}
