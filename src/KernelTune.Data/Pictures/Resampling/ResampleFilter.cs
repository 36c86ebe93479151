namespace KernelTune.Data.Pictures;

/// <summary>How resizing weighs the pixels of the source. The numbers are those of Pillow, which preprocessor_config.json uses too.</summary>
public enum ResampleFilter
{
    Nearest = 0,
    Lanczos = 1,
    Bilinear = 2,
    Bicubic = 3,
    Box = 4,
    Hamming = 5,
}

/// <summary>The weight of a source pixel at distance x from the centre of an output pixel, in pixels of the output (of the source when enlarging).</summary>
internal static class ResampleWeights
{
    /// <summary>The distance from which on weights are 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Nearest, which weighs nothing.</exception>
    public static double Support(ResampleFilter filter) => filter switch
    {
        ResampleFilter.Box => 0.5,
        ResampleFilter.Bilinear or ResampleFilter.Hamming => 1,
        ResampleFilter.Bicubic => 2,
        ResampleFilter.Lanczos => 3,
        _ => throw new ArgumentOutOfRangeException(nameof(filter), $"the filter {filter} has no weights"),
    };

    /// <exception cref="ArgumentOutOfRangeException">Nearest, which weighs nothing.</exception>
    public static double At(ResampleFilter filter, double x) => filter switch
    {
        ResampleFilter.Box => x > -0.5 && x <= 0.5 ? 1 : 0,
        ResampleFilter.Bilinear => Math.Max(0, 1 - Math.Abs(x)),
        ResampleFilter.Hamming => Hamming(Math.Abs(x)),
        ResampleFilter.Bicubic => Cubic(Math.Abs(x)),
        ResampleFilter.Lanczos => x >= -3 && x < 3 ? Sinc(x) * Sinc(x / 3) : 0,
        _ => throw new ArgumentOutOfRangeException(nameof(filter), $"the filter {filter} has no weights"),
    };

    /// <summary>Keys' cubic convolution (1981) with a = −1/2.</summary>
    private static double Cubic(double x)
    {
        const double a = -0.5;
        if (x < 1) return (((((a + 2) * x) - (a + 3)) * x) * x) + 1;
        return x < 2 ? (((((x - 5) * x) + 8) * x) - 4) * a : 0;
    }

    private static double Hamming(double x)
    {
        if (x == 0) return 1;
        if (x >= 1) return 0;
        x *= Math.PI;
        return Math.Sin(x) / x * (0.54 + (0.46 * Math.Cos(x)));
    }

    private static double Sinc(double x)
    {
        if (x == 0) return 1;
        x *= Math.PI;
        return Math.Sin(x) / x;
    }
}
