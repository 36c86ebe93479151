namespace KernelTune.Kernels.Lanes;

/// <summary>
/// What a formula can be run on: one number, or several side by side. A formula is written once over <typeparamref name="V"/> and runs on the
/// CPU's vectors, in double precision, with derivatives, and on a GPU.
/// </summary>
/// <remarks>
/// A mask is a lane that a comparison made; only <see cref="Select"/>, &amp;, | and ~ may read it, because every lane stores it in its own way.
/// Members have no bodies, because the GPU compiler refuses them. Nothing here contracts a product and a sum: only <see cref="Fma"/> does.
/// </remarks>
public interface ILane<V> where V : struct, ILane<V>
{
    static abstract V Zero { get; }
    static abstract V One { get; }

    /// <summary>A parameter, the same in every place.</summary>
    static abstract V Create(float value);

    /// <summary>A constant of a formula, rounded to the lane's precision.</summary>
    static abstract V Create(double value);

    static abstract V operator +(V a, V b);
    static abstract V operator -(V a, V b);
    static abstract V operator *(V a, V b);
    static abstract V operator /(V a, V b);
    static abstract V operator -(V a);

    static abstract V operator <(V a, V b);
    static abstract V operator >(V a, V b);
    static abstract V operator <=(V a, V b);
    static abstract V operator >=(V a, V b);
    static abstract V operator &(V a, V b);
    static abstract V operator |(V a, V b);
    static abstract V operator ~(V a);

    /// <summary>A mask: a = b. False where either is NaN.</summary>
    static abstract V Equal(V a, V b);

    /// <summary>A mask: a is not a number.</summary>
    static abstract V IsNaN(V a);

    /// <summary>mask ? ifTrue : ifFalse. Both are computed.</summary>
    static abstract V Select(V mask, V ifTrue, V ifFalse);

    /// <summary>a·b + c with one rounding.</summary>
    static abstract V Fma(V a, V b, V c);

    static abstract V Sqrt(V a);
    static abstract V Abs(V a);

    /// <summary>The larger; NaN where either is NaN.</summary>
    static abstract V Max(V a, V b);

    /// <summary>The smaller; NaN where either is NaN.</summary>
    static abstract V Min(V a, V b);

    static abstract V Exp(V a);

    /// <summary>e^a − 1, accurate near 0.</summary>
    static abstract V Expm1(V a);

    static abstract V Log(V a);

    /// <summary>log(1 + a), accurate near 0.</summary>
    static abstract V Log1p(V a);

    static abstract V Tanh(V a);
    static abstract V Erf(V a);
}

/// <summary>A lane of 32-bit floats: the steps out of which <see cref="Polynomials"/> makes exp, log, tanh and erf, the same bits on every such lane.</summary>
public interface IFloat32Lane<V> : ILane<V> where V : struct, IFloat32Lane<V>
{
    /// <summary>a &gt; b ? a : b, so b where either is NaN.</summary>
    static abstract V GreaterOf(V a, V b);

    /// <summary>a &lt; b ? a : b, so b where either is NaN.</summary>
    static abstract V LesserOf(V a, V b);

    /// <summary>The nearest integer, ties to even.</summary>
    static abstract V Round(V a);

    /// <summary>a·2^n, rounded once. n: an integer, |n| ≤ 252; a: of magnitude 2^-30 to 2, or 0.</summary>
    static abstract V ScaleB(V a, V n);

    /// <summary>a = mantissa·2^exponent with mantissa in [√½, √2). a: positive, finite, normal; of anything else both are arbitrary.</summary>
    static abstract void Split(V a, out V mantissa, out V exponent);
}

/// <summary>A lane that is loaded from memory and stored: <see cref="Width"/> neighbouring elements of <see cref="ElementSize"/> bytes each.</summary>
public unsafe interface IVectorLane<V> : ILane<V> where V : struct, IVectorLane<V>
{
    /// <summary>Elements side by side.</summary>
    static abstract int Width { get; }

    /// <summary>4 for float, 8 for double.</summary>
    static abstract int ElementSize { get; }

    static abstract V Load(void* from);
    static abstract void Store(V value, void* to);

    /// <summary>The first <paramref name="count"/> elements (0 to Width), zeros after them; nothing beyond them is read.</summary>
    static abstract V LoadPart(void* from, int count);

    /// <summary>Stores the first <paramref name="count"/> elements (0 to Width); nothing beyond them is written.</summary>
    static abstract void StorePart(V value, void* to, int count);

    /// <summary>One element, in every place.</summary>
    static abstract V Broadcast(void* from);
}

/// <summary>
/// A lane of floats that can be reduced, always halves first: place i and i + Width/2, then quarters, and so on. A row kernel runs on the 16-wide ones
/// (<see cref="F32x16"/>, <see cref="Pair{V}"/>), whose results have the same bits.
/// </summary>
public interface IRowLane<V> : IFloat32Lane<V>, IVectorLane<V> where V : struct, IRowLane<V>
{
    static abstract float Sum(V a);

    /// <summary>The largest; NaN if any is NaN.</summary>
    static abstract float Largest(V a);

    /// <summary>A mask: the first <paramref name="count"/> places.</summary>
    static abstract V First(int count);

    /// <summary>True if the mask is set in any place.</summary>
    static abstract bool Any(V mask);
}
