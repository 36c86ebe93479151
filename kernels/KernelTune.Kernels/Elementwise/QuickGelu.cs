using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>x·σ(1.702·x).</summary>
public readonly struct QuickGelu : IUnaryOp<None>
{
    public static bool DerivativeReadsOutput => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in None p)
        where V : struct, ILane<V> => x / (V.One + V.Exp(x * V.Create(-1.702)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, in None p)
        where V : struct, ILane<V>
    {
        V s = V.One / (V.One + V.Exp(x * V.Create(-1.702)));
        return s * V.Fma(x * V.Create(1.702), V.One - s, V.One);
    }
}
