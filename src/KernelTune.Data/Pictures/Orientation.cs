namespace KernelTune.Data.Pictures;

/// <summary>How a stored picture must be turned to be seen upright: EXIF's tag 0x0112. In words: what the picture's first row and first column are.</summary>
public enum Orientation
{
    TopLeft = 1,
    TopRight = 2,
    BottomRight = 3,
    BottomLeft = 4,
    LeftTop = 5,
    RightTop = 6,
    RightBottom = 7,
    LeftBottom = 8,
}

/// <summary>Mirrorings and quarter turns.</summary>
public static class Turning
{
    /// <summary>The picture as it should be seen; the picture itself where it is upright already.</summary>
    public static Picture Upright(Picture source, Orientation orientation)
    {
        ArgumentNullException.ThrowIfNull(source);
        return orientation switch
        {
            Orientation.TopRight => FlipHorizontal(source),
            Orientation.BottomRight => Rotate180(source),
            Orientation.BottomLeft => FlipVertical(source),
            Orientation.LeftTop => Transpose(source),
            Orientation.RightTop => Rotate270(source),
            Orientation.RightBottom => Transverse(source),
            Orientation.LeftBottom => Rotate90(source),
            _ => source,
        };
    }

    /// <summary>Left and right changed.</summary>
    public static Picture FlipHorizontal(Picture source) => Moved(source, false, (x, y, w, _) => (w - 1 - x, y));

    /// <summary>Top and bottom changed.</summary>
    public static Picture FlipVertical(Picture source) => Moved(source, false, (x, y, _, h) => (x, h - 1 - y));

    /// <summary>A half turn.</summary>
    public static Picture Rotate180(Picture source) => Moved(source, false, (x, y, w, h) => (w - 1 - x, h - 1 - y));

    /// <summary>A quarter turn, counter-clockwise.</summary>
    public static Picture Rotate90(Picture source) => Moved(source, true, (x, y, w, _) => (w - 1 - y, x));

    /// <summary>A quarter turn, clockwise.</summary>
    public static Picture Rotate270(Picture source) => Moved(source, true, (x, y, _, h) => (y, h - 1 - x));

    /// <summary>Mirrored at the diagonal from the upper left.</summary>
    public static Picture Transpose(Picture source) => Moved(source, true, (x, y, _, _) => (y, x));

    /// <summary>Mirrored at the diagonal from the upper right.</summary>
    public static Picture Transverse(Picture source) => Moved(source, true, (x, y, w, h) => (w - 1 - y, h - 1 - x));

    /// <summary>Pixel (x, y) of the result is the source's pixel at <paramref name="from"/>(x, y, the source's width, its height).</summary>
    private static Picture Moved(Picture source, bool sides, Func<int, int, int, int, (int X, int Y)> from)
    {
        ArgumentNullException.ThrowIfNull(source);
        int channels = source.Channels;
        var result = sides ? new Picture(source.Height, source.Width, channels) : new Picture(source.Width, source.Height, channels);
        for (int y = 0, to = 0; y < result.Height; y++)
        {
            for (int x = 0; x < result.Width; x++, to += channels)
            {
                (int fx, int fy) = from(x, y, source.Width, source.Height);
                source.Pixels.AsSpan(((fy * source.Width) + fx) * channels, channels).CopyTo(result.Pixels.AsSpan(to));
            }
        }

        return result;
    }
}
