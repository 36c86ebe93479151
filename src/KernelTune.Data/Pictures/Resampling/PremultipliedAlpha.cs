namespace KernelTune.Data.Pictures;

/// <summary>Colours weighed by alpha before a filter mixes them, and divided by it afterwards, in Pillow's 8-bit arithmetic.</summary>
internal static class PremultipliedAlpha
{
    /// <summary>Each colour becomes round(colour · alpha / 255).</summary>
    public static Picture Multiply(Picture source)
    {
        var result = new Picture(source.Width, source.Height, source.Channels);
        int channels = source.Channels;
        for (int i = 0; i < result.Pixels.Length; i += channels)
        {
            int alpha = source.Pixels[i + channels - 1];
            for (int c = 0; c < channels - 1; c++)
            {
                int product = (source.Pixels[i + c] * alpha) + 128;
                result.Pixels[i + c] = (byte)((product + (product >> 8)) >> 8);
            }

            result.Pixels[i + channels - 1] = (byte)alpha;
        }

        return result;
    }

    /// <summary>Each colour of <paramref name="picture"/> becomes colour · 255 / alpha in place, truncated and clipped; where alpha is 0 or 255 it stays.</summary>
    public static void Divide(Picture picture)
    {
        int channels = picture.Channels;
        for (int i = 0; i < picture.Pixels.Length; i += channels)
        {
            int alpha = picture.Pixels[i + channels - 1];
            if (alpha is 0 or 255) continue;
            for (int c = 0; c < channels - 1; c++) picture.Pixels[i + c] = (byte)Math.Min(picture.Pixels[i + c] * 255 / alpha, 255);
        }
    }
}
