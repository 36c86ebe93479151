using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// Batch norm over planes [images, channels, length], dense (Ioffe and Szegedy, 2015). V is 16 wide. A caller gives one channel at a time; its sums run over each image in single precision
/// and over the images in double, in order.
/// </summary>
public static unsafe class BatchNorm
{
    /// <summary>Mean and variance, with the divisor n, of a channel.</summary>
    /// <param name="x">The channel in the first image.</param>
    /// <param name="images">How many images.</param>
    /// <param name="step">Elements from image to image.</param>
    /// <param name="length">Elements of a plane.</param>
    /// <param name="mean">Receives the mean.</param>
    /// <param name="variance">Receives the variance.</param>
    public static void Statistics<V>(float* x, int images, long step, int length, out float mean, out float variance)
        where V : struct, IRowLane<V>
    {
        double count = (double)images * length, sum = 0;
        if (length == 1)
        {
            Column(x, images, step, out mean, out variance);
            return;
        }
        for (int image = 0; image < images; image++)
            sum += Pieces<V, Itself>(x + (image * step), x, length, 0);
        float centre = (float)(sum / count);
        double squares = 0, rest = 0;
        for (int image = 0; image < images; image++)
        {
            for (int i = 0; i < length; i += Reductions.Piece)
            {
                float* piece = x + (image * step) + i;
                int some = Math.Min(Reductions.Piece, length - i);
                squares += RowLoops.Sum<V, SquaredFrom>(piece, piece, piece, some, centre);
                rest += RowLoops.Sum<V, CentredAt>(piece, piece, piece, some, centre);
            }
        }

        // What the sums lost of a mean that is far from zero is the mean of the differences.
        rest /= count;
        mean = (float)(centre + rest);
        variance = (float)Math.Max(0, (squares / count) - (rest * rest));
    }

    /// <summary>y = (x − mean)·scale + shift over planes [first, last) of a channel; y may be x.</summary>
    public static void Apply<V>(float* x, float* y, int images, long step, int length, float mean, float scale, float shift)
        where V : struct, IRowLane<V>
    {
        for (int image = 0; image < images; image++)
            RowLoops.Map<V, CentredScaledShifted>(x + (image * step), x, x, y + (image * step), length, mean, scale, shift);
    }

    /// <summary>Σ dy and Σ dy·(x − mean)·rstd of a channel.</summary>
    public static void GradSums<V>(float* x, float* dy, int images, long step, int length, float mean, float rstd, out float sum, out float sumNormal)
        where V : struct, IRowLane<V>
    {
        double plain = 0, normal = 0;
        for (int image = 0; image < images; image++)
        {
            float* g = dy + (image * step);
            plain += Pieces<V, Itself>(g, g, length, 0);
            normal += Pieces<V, CentredTimes>(x + (image * step), g, length, mean);
        }
        (sum, sumNormal) = ((float)plain, (float)(normal * rstd));
    }

    /// <summary>dx = factor·dy + slope·(x − mean) + offset of a channel, or dx plus that.</summary>
    public static void GradInput<V>(float* x, float* dy, float* dx, int images, long step, int length, float mean, float factor, float slope, float offset, bool accumulate)
        where V : struct, IRowLane<V>
    {
        // slope·(x − mean) + offset = slope·x + (offset − slope·mean) would cancel for far means: the mean is taken off first.
        V centre = V.Create(mean), f = V.Create(factor), s = V.Create(slope), o = V.Create(offset);
        for (int image = 0; image < images; image++)
        {
            float* xi = x + (image * step), gi = dy + (image * step), di = dx + (image * step);
            int i = 0;
            for (; i + 16 <= length; i += 16)
            {
                V value = V.Fma(V.Load(xi + i) - centre, s, V.Fma(V.Load(gi + i), f, o));
                V.Store(accumulate ? V.Load(di + i) + value : value, di + i);
            }
            int rest = length - i;
            if (rest > 0)
            {
                V value = V.Fma(V.LoadPart(xi + i, rest) - centre, s, V.Fma(V.LoadPart(gi + i, rest), f, o));
                V.StorePart(accumulate ? V.LoadPart(di + i, rest) + value : value, di + i, rest);
            }
        }
    }

    /// <summary>dx = factor·dy of a channel, or dx plus that.</summary>
    public static void Scale<V>(float* dy, float* dx, int images, long step, int length, float factor, bool accumulate)
        where V : struct, IRowLane<V>
    {
        for (int image = 0; image < images; image++)
        {
            float* g = dy + (image * step), d = dx + (image * step);
            if (accumulate)
                RowLoops.Map<V, ScaledPlus>(g, d, g, d, length, factor);
            else
                RowLoops.Map<V, Scaled>(g, g, g, d, length, factor);
        }
    }

    // Pieces of a long plane are added in double, as those of a long row are.
    private static double Pieces<V, TTerm>(float* a, float* b, int length, float p)
        where V : struct, IRowLane<V>
        where TTerm : struct, IRowFormula
    {
        double sum = 0;
        for (int i = 0; i < length; i += Reductions.Piece)
            sum += RowLoops.Sum<V, TTerm>(a + i, b + i, a + i, Math.Min(Reductions.Piece, length - i), p);
        return sum;
    }

    // One element an image: neighbours are far apart.
    private static void Column(float* x, int images, long step, out float mean, out float variance)
    {
        double sum = 0, squares = 0;
        for (int image = 0; image < images; image++)
            sum += x[image * step];
        double centre = sum / images;
        for (int image = 0; image < images; image++)
        {
            double d = x[image * step] - centre;
            squares += d * d;
        }
        (mean, variance) = ((float)centre, (float)(squares / images));
    }
}

/// <summary>(a − p)·q + r.</summary>
internal readonly struct CentredScaledShifted : IRowFormula
{
    public static int Inputs => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of<V>(V a, V b, V c, V p, V q, V r)
        where V : struct, ILane<V> => V.Fma(a - p, q, r);
}

/// <summary>a − p.</summary>
internal readonly struct CentredAt : IRowFormula
{
    public static int Inputs => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of<V>(V a, V b, V c, V p, V q, V r)
        where V : struct, ILane<V> => a - p;
}

/// <summary>(a − p)·b.</summary>
internal readonly struct CentredTimes : IRowFormula
{
    public static int Inputs => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of<V>(V a, V b, V c, V p, V q, V r)
        where V : struct, ILane<V> => (a - p) * b;
}

/// <summary>a·p + b.</summary>
internal readonly struct ScaledPlus : IRowFormula
{
    public static int Inputs => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of<V>(V a, V b, V c, V p, V q, V r)
        where V : struct, ILane<V> => V.Fma(a, p, b);
}
