using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Cpu;

/// <summary>A function of up to three elements at one place of a row and three numbers of the row: a term of a sum, or a result.</summary>
internal interface IRowFormula
{
    /// <summary>How many of a, b, c are read.</summary>
    static abstract int Inputs { get; }

    static abstract V Of<V>(V a, V b, V c, V p, V q, V r) where V : struct, ILane<V>;
}

/// <summary>
/// Loops over one dense row. V is 16 wide, and a sum is defined on it: element i goes to sum i mod 64, in order; the sums of places 0-15, 16-31, 32-47,
/// 48-63 are added as (0 + 1) + (2 + 3), the rest halves as <see cref="IRowLane{V}.Sum"/> says. So the bits are the same for every instruction set.
/// </summary>
internal static unsafe class RowLoops
{
    /// <summary>Σ f(a[i], b[i], c[i]), i from 0 to n − 1.</summary>
    public static float Sum<V, TTerm>(float* a, float* b, float* c, long n, float p = 0, float q = 0, float r = 0)
        where V : struct, IRowLane<V> where TTerm : struct, IRowFormula
    {
        V lp = V.Create(p), lq = V.Create(q), lr = V.Create(r), sum0 = V.Zero, sum1 = V.Zero, sum2 = V.Zero, sum3 = V.Zero;
        long i = 0;
        for (; i + 64 <= n; i += 64)
        {
            sum0 += At<V, TTerm>(a + i, b + i, c + i, lp, lq, lr);
            sum1 += At<V, TTerm>(a + i + 16, b + i + 16, c + i + 16, lp, lq, lr);
            sum2 += At<V, TTerm>(a + i + 32, b + i + 32, c + i + 32, lp, lq, lr);
            sum3 += At<V, TTerm>(a + i + 48, b + i + 48, c + i + 48, lp, lq, lr);
        }

        int rest = (int)(n - i);
        if (rest > 0)
        {
            sum0 += Part<V, TTerm>(a + i, b + i, c + i, rest, lp, lq, lr);
            if (rest > 16) sum1 += Part<V, TTerm>(a + i + 16, b + i + 16, c + i + 16, rest - 16, lp, lq, lr);
            if (rest > 32) sum2 += Part<V, TTerm>(a + i + 32, b + i + 32, c + i + 32, rest - 32, lp, lq, lr);
            if (rest > 48) sum3 += Part<V, TTerm>(a + i + 48, b + i + 48, c + i + 48, rest - 48, lp, lq, lr);
        }

        return V.Sum(sum0 + sum1 + (sum2 + sum3));
    }

    /// <summary>The largest element; NaN if any is; −∞ of none.</summary>
    public static float Largest<V>(float* a, long n) where V : struct, IRowLane<V>
    {
        V least = V.Create(float.NegativeInfinity), max0 = least, max1 = least, max2 = least, max3 = least;
        long i = 0;
        for (; i + 64 <= n; i += 64)
        {
            max0 = V.Max(max0, V.Load(a + i));
            max1 = V.Max(max1, V.Load(a + i + 16));
            max2 = V.Max(max2, V.Load(a + i + 32));
            max3 = V.Max(max3, V.Load(a + i + 48));
        }

        for (; i < n; i += 16)
        {
            int rest = (int)Math.Min(n - i, 16);
            max0 = V.Max(max0, V.Select(V.First(rest), V.LoadPart(a + i, rest), least));
        }

        return V.Largest(V.Max(V.Max(max0, max1), V.Max(max2, max3)));
    }

    /// <summary>y[i] = f(a[i], b[i], c[i]), i from 0 to n − 1. y may be any of the inputs.</summary>
    public static void Map<V, TFormula>(float* a, float* b, float* c, float* y, long n, float p = 0, float q = 0, float r = 0)
        where V : struct, IRowLane<V> where TFormula : struct, IRowFormula
    {
        V lp = V.Create(p), lq = V.Create(q), lr = V.Create(r);
        long i = 0;
        for (; i + 32 <= n; i += 32)
        {
            V first = At<V, TFormula>(a + i, b + i, c + i, lp, lq, lr), second = At<V, TFormula>(a + i + 16, b + i + 16, c + i + 16, lp, lq, lr);
            V.Store(first, y + i);
            V.Store(second, y + i + 16);
        }

        for (; i + 16 <= n; i += 16) V.Store(At<V, TFormula>(a + i, b + i, c + i, lp, lq, lr), y + i);
        int rest = (int)(n - i);
        if (rest > 0) V.StorePart(AtPart<V, TFormula>(a + i, b + i, c + i, rest, lp, lq, lr), y + i, rest);
    }

    /// <summary>y[i] = f(a[i], b[i], c[i]) and their sum.</summary>
    public static float MapSum<V, TFormula>(float* a, float* b, float* c, float* y, long n, float p = 0, float q = 0, float r = 0)
        where V : struct, IRowLane<V> where TFormula : struct, IRowFormula
    {
        V lp = V.Create(p), lq = V.Create(q), lr = V.Create(r), sum0 = V.Zero, sum1 = V.Zero, sum2 = V.Zero, sum3 = V.Zero;
        long i = 0;
        for (; i + 64 <= n; i += 64)
        {
            sum0 += Stored(At<V, TFormula>(a + i, b + i, c + i, lp, lq, lr), y + i);
            sum1 += Stored(At<V, TFormula>(a + i + 16, b + i + 16, c + i + 16, lp, lq, lr), y + i + 16);
            sum2 += Stored(At<V, TFormula>(a + i + 32, b + i + 32, c + i + 32, lp, lq, lr), y + i + 32);
            sum3 += Stored(At<V, TFormula>(a + i + 48, b + i + 48, c + i + 48, lp, lq, lr), y + i + 48);
        }

        for (int part = 0; i < n; i += 16, part++)
        {
            int rest = (int)Math.Min(n - i, 16);
            V term = V.Select(V.First(rest), AtPart<V, TFormula>(a + i, b + i, c + i, rest, lp, lq, lr), V.Zero);
            V.StorePart(term, y + i, rest);
            if (part == 0) sum0 += term;
            else if (part == 1) sum1 += term;
            else if (part == 2) sum2 += term;
            else sum3 += term;
        }

        return V.Sum(sum0 + sum1 + (sum2 + sum3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Stored<V>(V value, float* y) where V : struct, IRowLane<V>
    {
        V.Store(value, y);
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V At<V, TFormula>(float* a, float* b, float* c, V p, V q, V r) where V : struct, IRowLane<V> where TFormula : struct, IRowFormula =>
        TFormula.Of(V.Load(a), TFormula.Inputs > 1 ? V.Load(b) : V.Zero, TFormula.Inputs > 2 ? V.Load(c) : V.Zero, p, q, r);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V AtPart<V, TFormula>(float* a, float* b, float* c, int rest, V p, V q, V r) where V : struct, IRowLane<V> where TFormula : struct, IRowFormula =>
        TFormula.Of(V.LoadPart(a, rest), TFormula.Inputs > 1 ? V.LoadPart(b, rest) : V.Zero, TFormula.Inputs > 2 ? V.LoadPart(c, rest) : V.Zero, p, q, r);

    // Up to 16 terms of a rest; zero in the places beyond it.
    private static V Part<V, TTerm>(float* a, float* b, float* c, int rest, V p, V q, V r) where V : struct, IRowLane<V> where TTerm : struct, IRowFormula
    {
        rest = Math.Min(rest, 16);
        return V.Select(V.First(rest), AtPart<V, TTerm>(a, b, c, rest, p, q, r), V.Zero);
    }
}
