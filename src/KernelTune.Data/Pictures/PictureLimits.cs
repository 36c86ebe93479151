namespace KernelTune.Data.Pictures;

/// <summary>What a picture file may ask for before it is refused: a small file can claim a picture that fills all memory.</summary>
public sealed record PictureLimits
{
    /// <summary>What is allowed where nothing is said: Pillow's limit of pixels, and half a gigabyte of file.</summary>
    public static PictureLimits Default { get; } = new();

    /// <summary>The most pixels a picture may have.</summary>
    public long MostPixels { get; init; } = 89_478_485;

    /// <summary>The most pixels of them that an array holds in four channels.</summary>
    internal long MostKept => Math.Min(MostPixels, Array.MaxLength / 4);

    /// <summary>The longest file in bytes.</summary>
    public long MostBytes { get; init; } = 512L << 20;
}
