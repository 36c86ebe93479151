using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>x/2·(1 + erf(x/√2)) (Hendrycks and Gimpel, 2016).</summary>
public readonly struct Gelu : IUnaryOp<None>
{
    public static bool DerivativeReadsOutput => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in None p)
        where V : struct, ILane<V> => x * V.Create(0.5) * (V.One + V.Erf(x * V.Create(0.7071067811865476)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, in None p)
        where V : struct, ILane<V>
    {
        // Φ(x) + x·φ(x).
        V cdf = V.Create(0.5) * (V.One + V.Erf(x * V.Create(0.7071067811865476)));
        V density = V.Create(0.3989422804014327) * V.Exp(x * x * V.Create(-0.5));
        return V.Fma(V.Select(V.Equal(density, V.Zero), V.Zero, x), density, cdf);
    }
}
