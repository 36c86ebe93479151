using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>tanh x.</summary>
public readonly struct Tanh : IUnaryOp<None>
{
    public static bool DerivativeReadsOutput => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in None p)
        where V : struct, ILane<V> => V.Tanh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V y, in None p)
        where V : struct, ILane<V> => V.One - (y * y);
}
