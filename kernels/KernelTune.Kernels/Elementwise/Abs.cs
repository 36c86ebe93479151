using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>|x|, with derivative 0 at 0.</summary>
public readonly struct Abs : IUnaryOp<None>
{
    public static bool DerivativeReadsOutput => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in None p)
        where V : struct, ILane<V> => V.Abs(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, in None p)
        where V : struct, ILane<V>
    {
        return V.Select(x > V.Zero, V.One, V.Select(x < V.Zero, V.Create(-1.0), V.Zero));
    }
}
