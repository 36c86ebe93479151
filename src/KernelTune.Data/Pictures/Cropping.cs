namespace KernelTune.Data.Pictures;

/// <summary>Parts of pictures, and borders around them.</summary>
public static class Cropping
{
    /// <summary>[height, width] from row <paramref name="top"/> and column <paramref name="left"/> on; what lies outside of the picture is 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1.</exception>
    public static Picture Crop(Picture source, int top, int left, int height, int width)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        var result = new Picture(width, height, source.Channels);
        CropInto(source, top, left, height, width, result.Pixels);
        return result;
    }

    /// <summary>As <see cref="Crop"/>, into samples that are all written.</summary>
    internal static void CropInto(Picture source, int top, int left, int height, int width, Span<byte> into)
    {
        into.Clear();
        int first = Math.Max(left, 0), end = Math.Min(left + width, source.Width), channels = source.Channels;
        if (end <= first) return;
        for (int y = 0; y < height; y++)
        {
            if (top + y < 0 || top + y >= source.Height) continue;
            source.Row(top + y)[(first * channels)..(end * channels)].CopyTo(into[(((y * width) + first - left) * channels)..]);
        }
    }

    /// <summary>
    /// The middle of a picture as Hugging Face's Pillow-backed processors take it: from (size − crop) / 2 on, rounded down. Where the crop is larger, ⌈(crop − size) / 2⌉ zeros stand
    /// before the picture and the rest after it.
    /// </summary>
    public static Picture Center(Picture source, int height, int width)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Crop(source, Begin(source.Height, height), Begin(source.Width, width), height, width);

        // Both cases are the same floor: −⌈n/2⌉ = ⌊−n/2⌋.
        static int Begin(int size, int crop) => (int)Math.Floor((size - crop) / 2.0);
    }

    /// <summary>
    /// The middle as torchvision takes it: a picture that is smaller is first given (crop − size) / 2 zeros before, rounded down, and the rest after; the crop begins at round((size − crop) / 2),
    /// halves to the even number.
    /// </summary>
    public static Picture CenterRounded(Picture source, int height, int width)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Crop(source, Begin(source.Height, height), Begin(source.Width, width), height, width);

        static int Begin(int size, int crop) => crop > size ? -((crop - size) / 2) : (int)Math.Round((size - crop) / 2.0, MidpointRounding.ToEven);
    }
}
