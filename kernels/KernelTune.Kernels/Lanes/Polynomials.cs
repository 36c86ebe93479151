using System.Runtime.CompilerServices;

namespace KernelTune.Kernels.Lanes;

/// <summary>
/// exp, log, tanh and erf of 32-bit floats, from sums, products and fused multiply-adds alone, so every lane of floats gives the same bits.
/// The polynomials are minimax (Remez) fits of our own; each states its interval and relative error. 1 ulp is 1.2e-7 at 1.
/// </summary>
public static class Polynomials
{
    private const double InverseLn2 = 1.4426950408889634;

    // ln 2 in two parts: the first has 9 trailing zero bits, so that n·Ln2High is exact for |n| < 512.
    private const double Ln2High = 0.693145751953125;
    private const double Ln2Low = 1.4286068203094172e-06;

    /// <summary>e^a within 1 ulp (1.6 where the result is denormal); +∞ above 88.72, 0 below −103.97, denormal results included.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp<V>(V a) where V : struct, IFloat32Lane<V>
    {
        // The limits stand first: of NaN, the second operand comes back.
        V x = V.LesserOf(V.Create(89.0), V.GreaterOf(V.Create(-104.0), a));
        V p = ReducedExpm1(x, out V n);
        return V.ScaleB(V.One + p, n);
    }

    /// <summary>e^a − 1 within 2 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Expm1<V>(V a) where V : struct, IFloat32Lane<V>
    {
        V x = V.LesserOf(V.Create(89.0), V.GreaterOf(V.Create(-30.0), a));
        V p = ReducedExpm1(x, out V n);
        // Halved, so that 2^128 is not met on the way to a finite result.
        V s = V.ScaleB(V.Create(0.5), n);
        V half = V.Fma(s, p, s - V.Create(0.5));
        return V.Select(V.Equal(n, V.Zero), p, half + half);
    }

    /// <summary>e^r − 1 for x = n·ln 2 + r, |r| ≤ ln 2 / 2: r + r²·q(r), q of degree 5, relative error 3e-10.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ReducedExpm1<V>(V x, out V n) where V : struct, IFloat32Lane<V>
    {
        n = V.Round(x * V.Create(InverseLn2));
        V r = V.Fma(n, V.Create(-Ln2High), x);
        r = V.Fma(n, V.Create(-Ln2Low), r);
        V q = V.Create(0.00019914062335986535);
        q = V.Fma(q, r, V.Create(0.0013940884141791408));
        q = V.Fma(q, r, V.Create(0.008333273262475096));
        q = V.Fma(q, r, V.Create(0.04166635667017184));
        q = V.Fma(q, r, V.Create(0.1666666681606979));
        q = V.Fma(q, r, V.Create(0.5000000045703029));
        return V.Fma(q, r * r, r);
    }

    /// <summary>ln a within 1.5 ulp: −∞ of 0, NaN below it, denormals included.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Log<V>(V a) where V : struct, IFloat32Lane<V>
    {
        V tiny = a < V.Create(1.17549435e-38);
        V.Split(V.Select(tiny, a * V.Create(8388608.0), a), out V m, out V e);
        e = V.Select(tiny, e - V.Create(23.0), e);

        V f = m - V.One;
        // (ln(1 + f) − f + f²/2) / f³ on [√½ − 1, √2 − 1], degree 8, relative error 8e-10 of the logarithm.
        V q = V.Create(0.06746567043807845);
        q = V.Fma(q, f, V.Create(-0.11675588413909715));
        q = V.Fma(q, f, V.Create(0.11888160364844214));
        q = V.Fma(q, f, V.Create(-0.12405599828713046));
        q = V.Fma(q, f, V.Create(0.14219554281249025));
        q = V.Fma(q, f, V.Create(-0.16667995280324724));
        q = V.Fma(q, f, V.Create(0.2000211853016306));
        q = V.Fma(q, f, V.Create(-0.2500000960850383));
        q = V.Fma(q, f, V.Create(0.333333126062128));
        V square = f * f;
        V rest = V.Fma(q, f, V.Create(-0.5)) * square;
        rest = V.Fma(e, V.Create(Ln2Low), rest);
        V y = V.Fma(e, V.Create(Ln2High), f + rest);

        V infinity = V.Create(float.PositiveInfinity);
        y = V.Select(V.Equal(a, V.Zero), -infinity, y);
        y = V.Select(V.Equal(a, infinity), infinity, y);
        return V.Select(a >= V.Zero, y, V.Create(float.NaN));
    }

    /// <summary>ln(1 + a) within 2 ulp: the logarithm of the rounded sum, and what the rounding lost.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Log1p<V>(V a) where V : struct, IFloat32Lane<V>
    {
        V u = V.One + a;
        V lost = (a - (u - V.One)) / u;
        V y = Log(u) + lost;
        y = V.Select(V.Equal(u, V.Zero) | V.Equal(u, V.Create(float.PositiveInfinity)), Log(u), y);
        return V.Select(V.Equal(u, V.One), a, y);
    }

    /// <summary>tanh a within 2.3 ulp: t / (t + 2) with t = e^(2|a|) − 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh<V>(V a) where V : struct, IFloat32Lane<V>
    {
        // tanh 10 is 1 in this precision.
        V x = V.LesserOf(V.Create(10.0), V.Abs(a));
        V p = ReducedExpm1(x + x, out V n);
        V s = V.ScaleB(V.One, n);
        V t = V.Fma(s, p, s - V.One);
        V y = t / (t + V.Create(2.0));
        // 2a loses nothing but denormals' smallness: there tanh a is a.
        y = V.Select(x < V.Create(1e-4), x, y);
        return V.Select(a < V.Zero, -y, y);
    }

    /// <summary>erf a within 2 ulp: a polynomial below 1, 1 − e^g(a) above it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Erf<V>(V a) where V : struct, IFloat32Lane<V>
    {
        // erf 4 is 1 in this precision.
        V x = V.LesserOf(V.Create(4.0), V.Abs(a));

        // erf(x)/x − 1 in t = x² on [0, 1], degree 6, relative error 1.2e-9.
        V t = x * x;
        V q = V.Create(7.853862089818841e-05);
        q = V.Fma(q, t, V.Create(-0.0008010193726704468));
        q = V.Fma(q, t, V.Create(0.005188327679084856));
        q = V.Fma(q, t, V.Create(-0.02685381191932276));
        q = V.Fma(q, t, V.Create(0.11283585147864061));
        q = V.Fma(q, t, V.Create(-0.37612625824142865));
        q = V.Fma(q, t, V.Create(0.12837916572674313));
        V small = V.Fma(q, x, x);

        // ln(1 − erf x) on [1, 4], degree 7; the error in erf is 2e-11.
        V g = V.Create(-2.1686724251048747e-05);
        g = V.Fma(g, x, V.Create(0.00044133484226323657));
        g = V.Fma(g, x, V.Create(-0.004204554004997493));
        g = V.Fma(g, x, V.Create(0.025208234753593583));
        g = V.Fma(g, x, V.Create(-0.10841854114992691));
        g = V.Fma(g, x, V.Create(-0.633219928203213));
        g = V.Fma(g, x, V.Create(-1.1295784056440432));
        g = V.Fma(g, x, V.Create(0.00018803606386028779));
        V p = ReducedExpm1(g, out V n);
        V large = V.One - V.ScaleB(V.One + p, n);

        V y = V.Select(x < V.One, small, large);
        return V.Select(a < V.Zero, -y, y);
    }
}
