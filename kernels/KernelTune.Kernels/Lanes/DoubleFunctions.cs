namespace KernelTune.Kernels.Lanes;

/// <summary>What the reference needs in double precision and .NET's Math lacks.</summary>
public static class DoubleFunctions
{
    /// <summary>e^x − 1, accurate near 0 (Kahan: the rounding of e^x cancels in (u − 1)·x / ln u).</summary>
    public static double Expm1(double x)
    {
        double u = Math.Exp(x);
        if (u == 1) return x;
        double below = u - 1;
        return below == -1 || double.IsInfinity(u) || double.IsNaN(u) ? below : below * (x / Math.Log(u));
    }

    /// <summary>ln(1 + x), accurate near 0 (Kahan).</summary>
    public static double Log1p(double x)
    {
        double u = 1 + x;
        if (u == 1) return x;
        return u == 0 || double.IsInfinity(u) || double.IsNaN(u) ? Math.Log(u) : Math.Log(u) * (x / (u - 1));
    }

    /// <summary>erf x = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, whose terms are all of one sign; ±1 beyond 6.</summary>
    public static double Erf(double x)
    {
        if (double.IsNaN(x)) return x;
        double a = Math.Abs(x);
        if (a >= 6) return Math.Sign(x);
        double term = x, sum = x;
        for (int n = 1; n < 200; n++)
        {
            term *= 2 * x * x / (2 * n + 1);
            if (sum + term == sum) break;
            sum += term;
        }

        return sum * Math.Exp(-x * x) * 1.1283791670955126;
    }
}
