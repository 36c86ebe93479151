namespace KernelTune.Kernels.Numerics;

/// <summary>
/// The levels that 4- and 8-bit codes stand for, as bitsandbytes has them: NF4 and FP4 (Dettmers et al., QLoRA, 2023), the dynamic maps of 8-bit optimizers (Dettmers et al., 2022),
/// linear and 8-bit float maps. Level i belongs to code i; the greatest magnitude is 1.
/// </summary>
public static class CodeTables
{
    /// <summary>NF4's 16 levels, ascending: quantiles of the normal distribution, with an exact zero at code 7.</summary>
    public static ReadOnlySpan<float> Nf4 =>
    [
        -1f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0f,
        0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1f,
    ];

    /// <summary>FP4's 16 levels in the order of their bits: sign, two of exponent, one of fraction. Codes 0 and 8 are both zero.</summary>
    public static ReadOnlySpan<float> Fp4 =>
    [
        0f, 0.0625f / 12, 8f / 12, 1f, 4f / 12, 6f / 12, 2f / 12, 3f / 12,
        0f, -0.0625f / 12, -8f / 12, -1f, -4f / 12, -6f / 12, -2f / 12, -3f / 12,
    ];

    /// <summary>The 256 levels of dynamic quantisation: seven decades, each finer than the one below it, and 0 and 1.</summary>
    /// <param name="signed">Both signs; false: positive levels only, twice as many.</param>
    public static float[] Dynamic(bool signed)
    {
        const int Exponents = 7;
        var levels = new List<float> { 0, 1 };
        for (int i = 0; i < Exponents; i++)
        {
            float[] bounds = Linspace(0.1f, 1f, (1 << (signed ? i : i + 1)) + 1);
            float decade = (float)Math.Pow(10, i - (Exponents - 1));
            for (int j = 0; j + 1 < bounds.Length; j++)
            {
                float level = decade * ((bounds[j] + bounds[j + 1]) / 2);
                levels.Add(level);
                if (signed)
                    levels.Add(-level);
            }
        }
        levels.AddRange(new float[256 - levels.Count]);
        return [.. levels.Order()];
    }

    /// <summary>256 levels at equal distances; signed, an exact zero stands beside the middle one.</summary>
    public static float[] Linear(bool signed)
    {
        float[] values = Linspace(signed ? -1 : 0, 1, signed ? 255 : 256);
        return signed ? [.. values[..127], 0, .. values[127..]] : values;
    }

    /// <summary>256 levels of a signed 8-bit float with bitsandbytes' bias, divided by the greatest, ascending.</summary>
    public static float[] Float8(int exponentBits, int fractionBits)
    {
        int bias = 1 << (exponentBits - 1);
        var levels = new List<double>();
        for (int exponent = 0; exponent < 1 << exponentBits; exponent++)
        {
            for (int fraction = 0; fraction < 1 << fractionBits; fraction++)
            {
                double part = (double)fraction / (1 << fractionBits);
                double value = exponent == 0 ? part * Math.ScaleB(1, -bias) : (1 + part) * Math.ScaleB(1, -(exponent - bias - 1));
                levels.Add(value);
                levels.Add(-value);
            }
        }
        float greatest = (float)levels.Max();
        return [.. levels.Order().Select(v => (float)v / greatest)];
    }

    /// <summary>
    /// NF4's derivation (QLoRA, appendix E): quantiles of the normal distribution at equal distances on either side of 0, divided by the greatest, among 256 levels most of which are 0.
    /// </summary>
    public static float[] Normal()
    {
        const float Offset = 0.9677083f;
        var levels = new List<float>(new float[256 - 15]);
        levels.AddRange(Linspace(Offset, 0.5f, 9)[..8].Select(p => (float)Quantile(p)));
        levels.AddRange(Linspace(Offset, 0.5f, 8)[..7].Select(p => (float)-Quantile(p)));
        float greatest = levels.Max();
        return [.. levels.Order().Select(v => v / greatest)];
    }

    // The normal distribution's quantile of p in [0.5, 1), by bisection on a series of its integral (Abramowitz and Stegun, 26.2.10).
    private static double Quantile(double p)
    {
        double low = 0, high = 8;
        for (int i = 0; i < 80; i++)
        {
            double x = (low + high) / 2, term = x, sum = x;
            for (int k = 1; Math.Abs(term) > 1e-18 && k < 400; k++)
            {
                term *= -x * x / (2 * k);
                sum += term / ((2 * k) + 1);
            }
            if (0.5 + (sum / Math.Sqrt(2 * Math.PI)) < p)
                low = x;
            else
                high = x;
        }
        return (low + high) / 2;
    }

    // As torch divides an interval: from both ends towards the middle, fused in float; the middle of an odd count is then not quite 0.
    private static float[] Linspace(float from, float to, int count)
    {
        var values = new float[count];
        float step = (to - from) / (count - 1);
        for (int i = 0; i < count; i++)
            values[i] = i < count / 2 ? MathF.FusedMultiplyAdd(step, i, from) : MathF.FusedMultiplyAdd(-step, count - 1 - i, to);
        return values;
    }
}
