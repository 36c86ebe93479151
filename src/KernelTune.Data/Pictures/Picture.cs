namespace KernelTune.Data.Pictures;

/// <summary>A picture of 8-bit samples: [Height, Width, Channels], row-major, channels interleaved. Alpha is not multiplied into the colours.</summary>
public sealed class Picture
{
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="channels">1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.</param>
    /// <param name="pixels">height · width · channels samples, which the picture keeps.</param>
    /// <exception cref="ArgumentException">The numbers do not fit together.</exception>
    public Picture(int width, int height, int channels, byte[] pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (channels is < 1 or > 4) throw new ArgumentOutOfRangeException(nameof(channels), $"{channels} channels were found, 1 to 4 wanted");
        if (pixels.LongLength != (long)width * height * channels)
            throw new ArgumentException($"{pixels.LongLength} samples were found, {height} × {width} × {channels} wanted", nameof(pixels));
        (Width, Height, Channels, Pixels) = (width, height, channels, pixels);
    }

    /// <summary>A picture whose samples are 0.</summary>
    /// <exception cref="ArgumentException">A size below 1, or more samples than an array holds: found out before anything is allocated.</exception>
    public Picture(int width, int height, int channels)
        : this(width, height, channels, new byte[Samples(width, height, channels)])
    {
    }

    public int Width { get; }

    public int Height { get; }

    /// <summary>1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.</summary>
    public int Channels { get; }

    /// <summary>True where the last channel is alpha.</summary>
    public bool HasAlpha => Channels is 2 or 4;

    /// <summary>[Height, Width, Channels].</summary>
    public byte[] Pixels { get; }

    /// <summary>How many samples such a picture has, counted in 64 bits.</summary>
    /// <exception cref="ArgumentException">More than an array holds.</exception>
    internal static int Samples(int width, int height, int channels)
    {
        long pixels = (long)Math.Max(width, 0) * Math.Max(height, 0);
        return pixels <= Array.MaxLength / Math.Max(channels, 1)
            ? (int)(pixels * Math.Max(channels, 0))
            : throw new ArgumentException($"a picture of {width} × {height} pixels in {channels} channels was asked for, at most {Array.MaxLength} samples wanted");
    }

    /// <summary>Row <paramref name="y"/>: Width · Channels samples.</summary>
    public Span<byte> Row(int y) => Pixels.AsSpan(y * Width * Channels, Width * Channels);

    /// <summary>RGB as Pillow's <c>convert("RGB")</c> makes it: grey is repeated, alpha is dropped and not blended with a background. An RGB picture is returned itself.</summary>
    public Picture ToRgb()
    {
        if (Channels == 3) return this;
        var rgb = new Picture(Width, Height, 3);
        bool grey = Channels <= 2;
        for (int i = 0, from = 0, to = 0; i < Width * Height; i++, from += Channels, to += 3)
        {
            rgb.Pixels[to] = Pixels[from];
            rgb.Pixels[to + 1] = Pixels[grey ? from : from + 1];
            rgb.Pixels[to + 2] = Pixels[grey ? from : from + 2];
        }

        return rgb;
    }

    /// <summary>RGB before a white background, as Transformers' <c>do_convert_rgb</c> makes it: round((colour · alpha + 255 · (255 − alpha)) / 255).</summary>
    public Picture ToRgbOnWhite()
    {
        if (!HasAlpha) return ToRgb();
        Picture rgb = ToRgb();
        for (int i = 0, alpha = Channels - 1; i < rgb.Pixels.Length; i += 3, alpha += Channels)
        {
            int a = Pixels[alpha], white = (255 * (255 - a)) + 128;
            for (int c = i; c < i + 3; c++)
            {
                int sum = (rgb.Pixels[c] * a) + white;
                rgb.Pixels[c] = (byte)((sum + (sum >> 8)) >> 8);
            }
        }

        return rgb;
    }

    /// <summary>
    /// Grey as Pillow's <c>convert("L")</c> makes it: (19595 R + 38470 G + 7471 B + 32768) / 2¹⁶ (ITU-R 601-2), alpha dropped. A grey picture is returned itself.
    /// </summary>
    public Picture ToGrey()
    {
        if (Channels == 1) return this;
        var grey = new Picture(Width, Height, 1);
        for (int i = 0, from = 0; i < grey.Pixels.Length; i++, from += Channels)
        {
            grey.Pixels[i] = Channels == 2
                ? Pixels[from]
                : (byte)(((19595 * Pixels[from]) + (38470 * Pixels[from + 1]) + (7471 * Pixels[from + 2]) + 32768) >> 16);
        }

        return grey;
    }
}
