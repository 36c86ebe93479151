using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>What a device's one map kernel runs: at most four inputs and three outputs, element by element.</summary>
/// <typeparam name="P">The formula's parameters, the same for every element.</typeparam>
public interface IElementwise<P>
    where P : struct
{
    /// <summary>How many of a, b, c, d are read.</summary>
    static abstract int Inputs { get; }

    /// <summary>How many of x, y, z are written.</summary>
    static abstract int Outputs { get; }

    /// <summary>The formula. What is not read or written is zero.</summary>
    static abstract void Apply<V>(V a, V b, V c, V d, in P p, out V x, out V y, out V z)
        where V : struct, ILane<V>;
}

/// <summary>y = f(x), with its derivative.</summary>
public interface IUnaryOp<P>
    where P : struct
{
    static abstract V Forward<V>(V x, in P p)
        where V : struct, ILane<V>;

    /// <summary>f′, as a function of x, or of y where <see cref="DerivativeReadsOutput"/>.</summary>
    static abstract V Derivative<V>(V xOrY, in P p)
        where V : struct, ILane<V>;

    /// <summary>True where the derivative is cheaper from the output: then the input need not be kept.</summary>
    static abstract bool DerivativeReadsOutput { get; }
}

/// <summary>y = f(a, b), with both derivatives.</summary>
public interface IBinaryOp<P>
    where P : struct
{
    static abstract V Forward<V>(V a, V b, in P p)
        where V : struct, ILane<V>;

    /// <summary>∂f/∂a and ∂f/∂b.</summary>
    static abstract void Derivative<V>(V a, V b, in P p, out V da, out V db)
        where V : struct, ILane<V>;
}

/// <summary>No parameters.</summary>
public readonly struct None;

/// <summary>One number.</summary>
public readonly record struct ScaleParams(double Factor);

/// <summary>A factor and a term.</summary>
public readonly record struct AffineParams(double Factor, double Term);

/// <summary>The limits of a band.</summary>
public readonly record struct BandParams(double Least, double Greatest);

/// <summary>y = f(x), for the map kernel.</summary>
public readonly struct Unary<TOp, P> : IElementwise<P>
    where TOp : struct, IUnaryOp<P>
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

/// <summary>dx = f′·dy. Inputs: x or y of the forward, and dy.</summary>
public readonly struct UnaryGrad<TOp, P> : IElementwise<P>
    where TOp : struct, IUnaryOp<P>
    where P : struct
{
    public static int Inputs => 2;

    public static int Outputs => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<V>(V a, V b, V c, V d, in P p, out V x, out V y, out V z)
        where V : struct, ILane<V>
    {
        x = TOp.Derivative(a, p) * b;
        y = V.Zero;
        z = V.Zero;
    }
}

/// <summary>dx = earlier + f′·dy. Inputs: x or y of the forward, dy, the gradient so far.</summary>
public readonly struct UnaryGradAdd<TOp, P> : IElementwise<P>
    where TOp : struct, IUnaryOp<P>
    where P : struct
{
    public static int Inputs => 3;

    public static int Outputs => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<V>(V a, V b, V c, V d, in P p, out V x, out V y, out V z)
        where V : struct, ILane<V>
    {
        x = V.Fma(TOp.Derivative(a, p), b, c);
        y = V.Zero;
        z = V.Zero;
    }
}

/// <summary>y = f(a, b), for the map kernel.</summary>
public readonly struct Binary<TOp, P> : IElementwise<P>
    where TOp : struct, IBinaryOp<P>
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

/// <summary>da and db of f(a, b). Inputs: a, b, dy.</summary>
public readonly struct BinaryGrad<TOp, P> : IElementwise<P>
    where TOp : struct, IBinaryOp<P>
    where P : struct
{
    public static int Inputs => 3;

    public static int Outputs => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<V>(V a, V b, V c, V d, in P p, out V x, out V y, out V z)
        where V : struct, ILane<V>
    {
        TOp.Derivative(a, b, p, out V da, out V db);
        x = da * c;
        y = db * c;
        z = V.Zero;
    }
}
