namespace KernelTune.Data.Pictures;

/// <summary>A picture made smaller by whole factors: each pixel is the mean of a block.</summary>
public static class Reduction
{
    private const int MostOfBlock = 1 << 24;

    /// <summary>
    /// Pixel (x, y) is ((sum + n/2) · ⌊2²⁴/n⌋) / 2²⁴ over its block of n pixels; blocks at the right and lower border are smaller. Colours are weighed by alpha where there is one. The result
    /// is [⌈height/factorY⌉, ⌈width/factorX⌉].
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A factor below 1, or blocks of more than 2²⁴ pixels, whose sums 32 bits do not hold.</exception>
    public static Picture Reduce(Picture source, int factorX, int factorY)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Reduce(source, factorX, factorY, 0, 0, source.Width, source.Height);
    }

    /// <summary>The same over a part of the picture.</summary>
    internal static Picture Reduce(Picture source, int factorX, int factorY, int left, int top, int right, int bottom)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(factorX, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(factorY, 1);
        if ((long)factorX * factorY > MostOfBlock) throw new ArgumentOutOfRangeException(nameof(factorX), $"blocks of {factorX} × {factorY} pixels were asked for, at most {MostOfBlock} pixels wanted");
        if (!source.HasAlpha) return Means(source, factorX, factorY, left, top, right, bottom);
        Picture result = Means(PremultipliedAlpha.Multiply(source), factorX, factorY, left, top, right, bottom);
        PremultipliedAlpha.Divide(result);
        return result;
    }

    private static Picture Means(Picture source, int factorX, int factorY, int left, int top, int right, int bottom)
    {
        int channels = source.Channels;
        int width = (right - left + factorX - 1) / factorX, height = (bottom - top + factorY - 1) / factorY;
        var result = new Picture(width, height, channels);
        for (int y = 0; y < height; y++)
        {
            int y0 = top + (y * factorY), y1 = Math.Min(y0 + factorY, bottom);
            for (int x = 0; x < width; x++)
            {
                int x0 = left + (x * factorX), x1 = Math.Min(x0 + factorX, right);
                uint n = (uint)((x1 - x0) * (y1 - y0)), inverse = (1u << 24) / n;
                for (int c = 0; c < channels; c++)
                {
                    uint sum = n / 2;
                    for (int yy = y0; yy < y1; yy++)
                    {
                        ReadOnlySpan<byte> row = source.Row(yy);
                        for (int at = (x0 * channels) + c; at < x1 * channels; at += channels) sum += row[at];
                    }

                    result.Pixels[(((y * width) + x) * channels) + c] = (byte)((sum * inverse) >> 24);
                }
            }
        }

        return result;
    }
}
