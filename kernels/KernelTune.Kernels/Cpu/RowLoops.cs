using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
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
/// Loops over one dense row. V is 16 wide, and a sum is defined on it: element i goes to place i mod 32; a place takes the rest of the row that fills no 32
/// first, then the others in order; places j and j + 16 are added, then halves as <see cref="IRowLane{V}.Sum"/> says. So the bits are the same for every
/// instruction set.
/// </summary>
internal static unsafe class RowLoops
{
    private const int Places = 32;

    // A row that is read twice alternates between waiting for reads and waiting for writes, so each pass fetches what the next one needs (rows of 4096: 66 to
    // 88% of copy bandwidth).

    /// <summary>Σ f(a[i], b[i], c[i]), i from 0 to n − 1. soon: memory that is written next, to be fetched meanwhile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Sum<V, TTerm>(float* a, float* b, float* c, long n, float p = 0, float q = 0, float r = 0, float* soon = null)
        where V : struct, IRowLane<V> where TTerm : struct, IRowFormula
    {
        V lp = V.Create(p), lq = V.Create(q), lr = V.Create(r);
        long whole = n & -Places;
        V first = Part<V, TTerm>(a + whole, b + whole, c + whole, n - whole, lp, lq, lr);
        V second = Part<V, TTerm>(a + whole + 16, b + whole + 16, c + whole + 16, n - whole - 16, lp, lq, lr);
        for (long i = 0; i < whole; i += Places)
        {
            if (soon != null) Soon(soon + i);
            first += At<V, TTerm>(a + i, b + i, c + i, lp, lq, lr);
            second += At<V, TTerm>(a + i + 16, b + i + 16, c + i + 16, lp, lq, lr);
        }

        return V.Sum(first + second);
    }

    /// <summary>The largest element; NaN if any is; −∞ of none. soon: as in <see cref="Sum"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Largest<V>(float* a, long n, float* soon = null) where V : struct, IRowLane<V>
    {
        V least = V.Create(float.NegativeInfinity), max0 = least, max1 = least, max2 = least, max3 = least;
        long i = 0;
        for (; i + 64 <= n; i += 64)
        {
            if (soon != null)
            {
                Soon(soon + i);
                Soon(soon + i + 32);
            }

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

    /// <summary>
    /// y[i] = f(a[i], b[i], c[i]), i from 0 to n − 1. y may be any of the inputs. ahead: from this row of a (and of b, where c is read too) to the next, which
    /// is fetched meanwhile; 0: nothing.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Map<V, TFormula>(float* a, float* b, float* c, float* y, long n, float p = 0, float q = 0, float r = 0, long ahead = 0)
        where V : struct, IRowLane<V> where TFormula : struct, IRowFormula
    {
        V lp = V.Create(p), lq = V.Create(q), lr = V.Create(r);
        long whole = n & -Places;
        for (long i = 0; i < whole; i += Places)
        {
            V first = At<V, TFormula>(a + i, b + i, c + i, lp, lq, lr), second = At<V, TFormula>(a + i + 16, b + i + 16, c + i + 16, lp, lq, lr);
            if (ahead != 0)
            {
                Soon(a + ahead + i);
                if (TFormula.Inputs > 2) Soon(b + ahead + i);
            }

            V.Store(first, y + i);
            V.Store(second, y + i + 16);
        }

        for (long i = whole; i < n; i += 16)
            V.StorePart(Part<V, TFormula>(a + i, b + i, c + i, n - i, lp, lq, lr), y + i, (int)Math.Min(n - i, 16));
    }

    /// <summary>y[i] = f(a[i], b[i], c[i]) and their sum, in <see cref="Sum"/>'s order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float MapSum<V, TFormula>(float* a, float* b, float* c, float* y, long n, float p = 0, float q = 0, float r = 0)
        where V : struct, IRowLane<V> where TFormula : struct, IRowFormula
    {
        V lp = V.Create(p), lq = V.Create(q), lr = V.Create(r);
        long whole = n & -Places;
        V first = Part<V, TFormula>(a + whole, b + whole, c + whole, n - whole, lp, lq, lr);
        V second = Part<V, TFormula>(a + whole + 16, b + whole + 16, c + whole + 16, n - whole - 16, lp, lq, lr);
        V.StorePart(first, y + whole, (int)Math.Min(n - whole, 16));
        V.StorePart(second, y + whole + 16, (int)Math.Clamp(n - whole - 16, 0, 16));
        for (long i = 0; i < whole; i += Places)
        {
            V u = At<V, TFormula>(a + i, b + i, c + i, lp, lq, lr), v = At<V, TFormula>(a + i + 16, b + i + 16, c + i + 16, lp, lq, lr);
            V.Store(u, y + i);
            V.Store(v, y + i + 16);
            first += u;
            second += v;
        }

        return V.Sum(first + second);
    }

    // Two cache lines into L2.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Soon(float* address)
    {
        if (!Sse.IsSupported) return;
        Sse.Prefetch1(address);
        Sse.Prefetch1(address + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V At<V, TFormula>(float* a, float* b, float* c, V p, V q, V r) where V : struct, IRowLane<V> where TFormula : struct, IRowFormula =>
        TFormula.Of(V.Load(a), TFormula.Inputs > 1 ? V.Load(b) : V.Zero, TFormula.Inputs > 2 ? V.Load(c) : V.Zero, p, q, r);

    // The first 16 of left results (of none, where left is negative); zero in the places beyond them. Not inlined: the compiler's budget belongs to the loops.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static V Part<V, TFormula>(float* a, float* b, float* c, long left, V p, V q, V r) where V : struct, IRowLane<V> where TFormula : struct, IRowFormula
    {
        int rest = (int)Math.Min(left, 16);
        if (rest <= 0) return V.Zero;
        V u = V.LoadPart(a, rest), v = TFormula.Inputs > 1 ? V.LoadPart(b, rest) : V.Zero, w = TFormula.Inputs > 2 ? V.LoadPart(c, rest) : V.Zero;
        return V.Select(V.First(rest), TFormula.Of(u, v, w, p, q, r), V.Zero);
    }
}
