using System.Runtime.CompilerServices;

namespace KernelTune.Kernels.Lanes;

/// <summary>
/// Two lanes side by side: <c>Pair&lt;F32x8&gt;</c> and <c>Pair&lt;Pair&lt;F32x4&gt;&gt;</c> are 16 wide, as <see cref="F32x16"/> is, so that a reduction
/// defined on 16 places has the same bits on every processor.
/// </summary>
public readonly unsafe struct Pair<V>(V low, V high) : IRowLane<Pair<V>> where V : struct, IRowLane<V>
{
    public readonly V Low = low, High = high;

    public static int Width => 2 * V.Width;
    public static int ElementSize => V.ElementSize;
    public static Pair<V> Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(V.Zero, V.Zero);
    }

    public static Pair<V> One
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => new(V.One, V.One);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> Create(float value) => new(V.Create(value), V.Create(value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> Create(double value) => new(V.Create(value), V.Create(value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] private static void* Upper(void* p) => (byte*)p + V.Width * V.ElementSize;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> Load(void* from) => new(V.Load(from), V.Load(Upper(from)));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> Broadcast(void* from) => new(V.Broadcast(from), V.Broadcast(from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Pair<V> value, void* to)
    {
        V.Store(value.Low, to);
        V.Store(value.High, Upper(to));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair<V> LoadPart(void* from, int count) =>
        new(V.LoadPart(from, Math.Min(count, V.Width)), V.LoadPart(Upper(from), Math.Max(count - V.Width, 0)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePart(Pair<V> value, void* to, int count)
    {
        V.StorePart(value.Low, to, Math.Min(count, V.Width));
        V.StorePart(value.High, Upper(to), Math.Max(count - V.Width, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> operator +(Pair<V> a, Pair<V> b) => new(a.Low + b.Low, a.High + b.High);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> operator -(Pair<V> a, Pair<V> b) => new(a.Low - b.Low, a.High - b.High);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> operator *(Pair<V> a, Pair<V> b) => new(a.Low * b.Low, a.High * b.High);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> operator /(Pair<V> a, Pair<V> b) => new(a.Low / b.Low, a.High / b.High);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> operator -(Pair<V> a) => new(-a.Low, -a.High);

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> operator <(Pair<V> a, Pair<V> b) => new(a.Low < b.Low, a.High < b.High);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> operator >(Pair<V> a, Pair<V> b) => new(a.Low > b.Low, a.High > b.High);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> operator <=(Pair<V> a, Pair<V> b) => new(a.Low <= b.Low, a.High <= b.High);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> operator >=(Pair<V> a, Pair<V> b) => new(a.Low >= b.Low, a.High >= b.High);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> operator &(Pair<V> a, Pair<V> b) => new(a.Low & b.Low, a.High & b.High);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> operator |(Pair<V> a, Pair<V> b) => new(a.Low | b.Low, a.High | b.High);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> operator ~(Pair<V> a) => new(~a.Low, ~a.High);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> Equal(Pair<V> a, Pair<V> b) => new(V.Equal(a.Low, b.Low), V.Equal(a.High, b.High));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> IsNaN(Pair<V> a) => new(V.IsNaN(a.Low), V.IsNaN(a.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair<V> Select(Pair<V> mask, Pair<V> ifTrue, Pair<V> ifFalse) =>
        new(V.Select(mask.Low, ifTrue.Low, ifFalse.Low), V.Select(mask.High, ifTrue.High, ifFalse.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair<V> Fma(Pair<V> a, Pair<V> b, Pair<V> c) => new(V.Fma(a.Low, b.Low, c.Low), V.Fma(a.High, b.High, c.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> Sqrt(Pair<V> a) => new(V.Sqrt(a.Low), V.Sqrt(a.High));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> Abs(Pair<V> a) => new(V.Abs(a.Low), V.Abs(a.High));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> Max(Pair<V> a, Pair<V> b) => new(V.Max(a.Low, b.Low), V.Max(a.High, b.High));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> Min(Pair<V> a, Pair<V> b) => new(V.Min(a.Low, b.Low), V.Min(a.High, b.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair<V> GreaterOf(Pair<V> a, Pair<V> b) => new(V.GreaterOf(a.Low, b.Low), V.GreaterOf(a.High, b.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair<V> LesserOf(Pair<V> a, Pair<V> b) => new(V.LesserOf(a.Low, b.Low), V.LesserOf(a.High, b.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> Round(Pair<V> a) => new(V.Round(a.Low), V.Round(a.High));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> ScaleB(Pair<V> a, Pair<V> n) => new(V.ScaleB(a.Low, n.Low), V.ScaleB(a.High, n.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Split(Pair<V> a, out Pair<V> mantissa, out Pair<V> exponent)
    {
        V.Split(a.Low, out V lowMantissa, out V lowExponent);
        V.Split(a.High, out V highMantissa, out V highExponent);
        mantissa = new(lowMantissa, highMantissa);
        exponent = new(lowExponent, highExponent);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> Exp(Pair<V> a) => new(V.Exp(a.Low), V.Exp(a.High));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> Expm1(Pair<V> a) => new(V.Expm1(a.Low), V.Expm1(a.High));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> Log(Pair<V> a) => new(V.Log(a.Low), V.Log(a.High));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> Log1p(Pair<V> a) => new(V.Log1p(a.Low), V.Log1p(a.High));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> Tanh(Pair<V> a) => new(V.Tanh(a.Low), V.Tanh(a.High));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static Pair<V> Erf(Pair<V> a) => new(V.Erf(a.Low), V.Erf(a.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static float Sum(Pair<V> a) => V.Sum(a.Low + a.High);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static float Largest(Pair<V> a) => V.Largest(V.Max(a.Low, a.High));
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Pair<V> First(int count) => new(V.First(Math.Min(count, V.Width)), V.First(Math.Max(count - V.Width, 0)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static bool Any(Pair<V> mask) => V.Any(mask.Low | mask.High);
}
