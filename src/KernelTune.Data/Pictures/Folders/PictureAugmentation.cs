using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Data.Pictures;

/// <summary>Random changes of a training picture, other ones in each epoch: a crop of a padded picture, and mirroring left to right.</summary>
public sealed record PictureAugmentation
{
    /// <summary>Pixels of border, 0 before normalisation, of which a crop of the picture's own size is taken at random; 0: none.</summary>
    public int CropPadding { get; init; }

    /// <summary>True: half of the pictures are mirrored.</summary>
    public bool HorizontalFlip { get; init; }

    /// <summary>True where nothing is changed.</summary>
    public bool IsNone => CropPadding == 0 && !HorizontalFlip;

    /// <summary>What happens to one picture in one epoch.</summary>
    /// <param name="Top">The row of the unpadded picture where the crop begins, −CropPadding … CropPadding.</param>
    /// <param name="Left">The column.</param>
    /// <param name="Flips">Whether the crop is mirrored.</param>
    internal readonly record struct Draw(int Top, int Left, bool Flips);

    /// <summary>The draw depends on the seed, the epoch and the picture's number alone: not on the order of pictures, and not on who asks.</summary>
    [SkipLocalsInit]
    internal Draw DrawFor(long seed, long epoch, int picture)
    {
        var place = new RandomPlace(unchecked((ulong)seed), StableHash.Site("data.augmentation"), unchecked((uint)epoch), (uint)picture);
        Philox.Block<U32>(place, 0, out U32 top, out U32 left, out U32 flip, out _);
        uint span = (uint)(2 * CropPadding) + 1;
        return new Draw(Below(top) - CropPadding, Below(left) - CropPadding, HorizontalFlip && (flip.Value >> 31) != 0);

        int Below(U32 word) => (int)(((ulong)word.Value * span) >> 32);
    }

    /// <summary>Writes the changed samples of <paramref name="picture"/>, as many as it has.</summary>
    internal static void Apply(Picture picture, Draw draw, Span<byte> into)
    {
        if (draw.Top == 0 && draw.Left == 0) picture.Pixels.CopyTo(into);
        else Cropping.CropInto(picture, draw.Top, draw.Left, picture.Height, picture.Width, into);
        if (!draw.Flips) return;
        int channels = picture.Channels, width = picture.Width;
        for (int y = 0; y < picture.Height; y++)
        {
            Span<byte> row = into.Slice(y * width * channels, width * channels);
            for (int a = 0, b = (width - 1) * channels; a < b; a += channels, b -= channels)
                for (int c = 0; c < channels; c++) (row[a + c], row[b + c]) = (row[b + c], row[a + c]);
        }
    }
}
