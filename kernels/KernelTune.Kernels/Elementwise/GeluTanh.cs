using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))): GPT-2's GELU. Far out the argument is cut at ±20, where tanh has long been ±1.</summary>
public readonly struct GeluTanh : IUnaryOp<None>
{
    private const double Root = 0.7978845608028654;

    public static bool DerivativeReadsOutput => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in None p)
        where V : struct, ILane<V> => V.Create(0.5) * x * (V.One + Inner(x, out _));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, in None p)
        where V : struct, ILane<V>
    {
        V t = Inner(x, out V slope);
        V tail = (V.One - (t * t)) * slope;
        return V.Create(0.5) * V.Fma(V.Select(V.Equal(tail, V.Zero), V.Zero, x), tail, V.One + t);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Inner<V>(V x, out V slope)
        where V : struct, ILane<V>
    {
        V square = x * x;
        V u = V.Create(Root) * x * V.Fma(V.Create(0.044715), square, V.One);
        slope = V.Create(Root) * V.Fma(V.Create(0.134145), square, V.One);
        V inside = V.Select(V.Abs(x) < V.Create(1e4), slope, V.Zero);
        slope = inside;
        return V.Tanh(u);
    }
}
