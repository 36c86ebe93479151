using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

// Small formulas out of which calls are composed. They are never differentiated themselves: the calls that use them have gradients of their own.

/// <summary>One input, one output, no derivative.</summary>
public interface IStep<P>
    where P : struct
{
    static abstract V Forward<V>(V x, in P p)
        where V : struct, ILane<V>;
}

/// <summary>Two inputs, one output, no derivative.</summary>
public interface IStep2<P>
    where P : struct
{
    static abstract V Forward<V>(V a, V b, in P p)
        where V : struct, ILane<V>;
}

/// <summary>A step, for the map kernel.</summary>
public readonly struct Step<TOp, P> : IElementwise<P>
    where TOp : struct, IStep<P>
    where P : struct
{
    public static int Inputs => 1;

    public static int Outputs => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<V>(V a, V b, V c, V d, in P p, out V x, out V y, out V z)
        where V : struct, ILane<V>
    {
        x = TOp.Forward(a, p);
        y = V.Zero;
        z = V.Zero;
    }
}

/// <summary>A step of two inputs, for the map kernel.</summary>
public readonly struct Step2<TOp, P> : IElementwise<P>
    where TOp : struct, IStep2<P>
    where P : struct
{
    public static int Inputs => 2;

    public static int Outputs => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<V>(V a, V b, V c, V d, in P p, out V x, out V y, out V z)
        where V : struct, ILane<V>
    {
        x = TOp.Forward(a, b, p);
        y = V.Zero;
        z = V.Zero;
    }
}

/// <summary>1/√(a·x + b).</summary>
public readonly struct RsqrtAffine : IStep<AffineParams>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in AffineParams p)
        where V : struct, ILane<V> => V.One / V.Sqrt(V.Fma(x, V.Create(p.Factor), V.Create(p.Term)));
}

/// <summary>a·(b + term).</summary>
public readonly struct MulOffset : IStep2<AffineParams>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V a, V b, in AffineParams p)
        where V : struct, ILane<V> => a * (b + V.Create(p.Term));
}

/// <summary>a·b, and 0 where b is 0 whatever a is: −∞ has no part in a sum that does not count it.</summary>
public readonly struct MulCounted : IStep2<None>
{
    public static V Forward<V>(V a, V b, in None p)
        where V : struct, ILane<V> => V.Select(V.Equal(b, V.Zero), V.Zero, a * b);
}

/// <summary>x where it is finite, else 0.</summary>
public readonly struct FiniteOrZero : IStep<None>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in None p)
        where V : struct, ILane<V> => V.Select(V.Abs(x) < V.Create(float.PositiveInfinity), x, V.Select(V.IsNaN(x), x, V.Zero));
}

/// <summary>1/x, and 0 for 0.</summary>
public readonly struct ReciprocalOrZero : IStep<None>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in None p)
        where V : struct, ILane<V> => V.Select(V.Equal(x, V.Zero), V.Zero, V.One / x);
}

/// <summary>1 where x is not the number, else 0.</summary>
public readonly struct NotEqualTo : IStep<ScaleParams>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in ScaleParams p)
        where V : struct, ILane<V> => V.Select(V.Equal(x, V.Create(p.Factor)), V.Zero, V.One);
}

/// <summary>1 where a = b, else 0.</summary>
public readonly struct Equal : IStep2<None>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V a, V b, in None p)
        where V : struct, ILane<V> => V.Select(V.Equal(a, b), V.One, V.Zero);
}

/// <summary>1 where a ≥ b, else 0.</summary>
public readonly struct AtLeast : IStep2<None>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V a, V b, in None p)
        where V : struct, ILane<V> => V.Select(a >= b, V.One, V.Zero);
}

/// <summary>a, but +∞ where b is 1.</summary>
public readonly struct InfiniteWhereOne : IStep2<None>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V a, V b, in None p)
        where V : struct, ILane<V> => V.Select(V.Equal(b, V.One), V.Create(float.PositiveInfinity), a);
}

/// <summary>0 within the band, −∞ outside.</summary>
public readonly struct OutsideIsMinusInfinity : IStep<BandParams>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in BandParams p)
        where V : struct, ILane<V> =>
        V.Select((x >= V.Create(p.Least)) & (x <= V.Create(p.Greatest)), V.Zero, V.Create(float.NegativeInfinity));
}

/// <summary>0 where x is not 0, −∞ where it is.</summary>
public readonly struct ZeroIsMinusInfinity : IStep<None>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in None p)
        where V : struct, ILane<V> => V.Select(V.Equal(x, V.Zero), V.Create(float.NegativeInfinity), V.Zero);
}

/// <summary>x/(1 − p) where the uniform number b is at least p, else 0: inverted dropout.</summary>
public readonly struct Keep : IStep2<ScaleParams>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V a, V b, in ScaleParams p)
        where V : struct, ILane<V> => V.Select(b >= V.Create((float)p.Factor), a * V.Create(1 / (1 - p.Factor)), V.Zero);
}

/// <summary>min(1, limit/(x + 1e-6)).</summary>
public readonly struct ClipFactor : IStep<ScaleParams>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in ScaleParams p)
        where V : struct, ILane<V> => V.Min(V.One, V.Create(p.Factor) / (x + V.Create(1e-6)));
}
