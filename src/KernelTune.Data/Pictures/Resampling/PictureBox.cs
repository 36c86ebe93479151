namespace KernelTune.Data.Pictures;

/// <summary>A part of a picture, in pixels from its upper left corner; borders may lie within pixels.</summary>
public readonly record struct PictureBox(double Left, double Top, double Right, double Bottom)
{
    public double Width => Right - Left;

    public double Height => Bottom - Top;

    /// <summary>The whole of a picture.</summary>
    public static PictureBox Of(Picture picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        return new PictureBox(0, 0, picture.Width, picture.Height);
    }
}
