using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>silu(x) = x·σ(x) (Hendrycks and Gimpel, 2016).</summary>
public readonly struct Silu : IUnaryOp<None>
{
    public static bool DerivativeReadsOutput => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in None p)
        where V : struct, ILane<V> => x / (V.One + V.Exp(-x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, in None p)
        where V : struct, ILane<V>
    {
        V s = V.One / (V.One + V.Exp(-x));
        return s * V.Fma(x, V.One - s, V.One);
    }
}
