using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Cpu;

// The terms and results that several row kernels share.

/// <summary>a.</summary>
internal readonly struct Itself : IRowFormula
{
    public static int Inputs => 1;
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of<V>(V a, V b, V c, V p, V q, V r) where V : struct, ILane<V> => a;
}

/// <summary>a².</summary>
internal readonly struct Squared : IRowFormula
{
    public static int Inputs => 1;
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of<V>(V a, V b, V c, V p, V q, V r) where V : struct, ILane<V> => a * a;
}

/// <summary>(a − p)².</summary>
internal readonly struct SquaredFrom : IRowFormula
{
    public static int Inputs => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of<V>(V a, V b, V c, V p, V q, V r) where V : struct, ILane<V>
    {
        V d = a - p;
        return d * d;
    }
}

/// <summary>a·b.</summary>
internal readonly struct Product : IRowFormula
{
    public static int Inputs => 2;
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of<V>(V a, V b, V c, V p, V q, V r) where V : struct, ILane<V> => a * b;
}

/// <summary>a·b·(c + p).</summary>
internal readonly struct WeightedProduct : IRowFormula
{
    public static int Inputs => 3;
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of<V>(V a, V b, V c, V p, V q, V r) where V : struct, ILane<V> => a * b * (c + p);
}

/// <summary>e^(a − p).</summary>
internal readonly struct ExpFrom : IRowFormula
{
    public static int Inputs => 1;
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of<V>(V a, V b, V c, V p, V q, V r) where V : struct, ILane<V> => V.Exp(a - p);
}

/// <summary>a·p.</summary>
internal readonly struct Scaled : IRowFormula
{
    public static int Inputs => 1;
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of<V>(V a, V b, V c, V p, V q, V r) where V : struct, ILane<V> => a * p;
}
