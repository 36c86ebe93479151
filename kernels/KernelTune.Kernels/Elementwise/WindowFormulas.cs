using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

// Steps of the compositions of pools, beside Compositions.cs: what a window's taps become.

/// <summary>x: the position c where a is b (or both are NaN), +∞ elsewhere. Its least is where a maximum b stands first.</summary>
public readonly struct PositionOf : IElementwise<None>
{
    public static int Inputs => 3;

    public static int Outputs => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<V>(V a, V b, V c, V d, in None p, out V x, out V y, out V z)
        where V : struct, ILane<V>
    {
        x = V.Select(V.Equal(a, b) | (V.IsNaN(a) & V.IsNaN(b)), c, V.Create(float.PositiveInfinity));
        y = V.Zero;
        z = V.Zero;
    }
}

/// <summary>x: c where a is b, 0 elsewhere.</summary>
public readonly struct WhereSame : IElementwise<None>
{
    public static int Inputs => 3;

    public static int Outputs => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<V>(V a, V b, V c, V d, in None p, out V x, out V y, out V z)
        where V : struct, ILane<V>
    {
        x = V.Select(V.Equal(a, b), c, V.Zero);
        y = V.Zero;
        z = V.Zero;
    }
}

/// <summary>factor·a + term·b: a running mean takes a share of a new value.</summary>
public readonly struct Blend : IStep2<AffineParams>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V a, V b, in AffineParams p)
        where V : struct, ILane<V> => V.Fma(V.Create(p.Factor), a, V.Create(p.Term) * b);
}
