using KernelTune.Data.Pictures;
using SkiaSharp;

namespace KernelTune.Data.Tests.Pictures;

/// <summary>Pictures that tests make, and files of them.</summary>
internal static class Drawn
{
    /// <summary>Samples that differ everywhere.</summary>
    public static Picture Noise(int width, int height, int channels, int seed = 1)
    {
        var picture = new Picture(width, height, channels);
        uint state = (uint)seed;
        for (int i = 0; i < picture.Pixels.Length; i++)
        {
            state = (state * 1664525) + 1013904223;
            picture.Pixels[i] = (byte)(state >> 24);
        }

        return picture;
    }

    public static byte[] Encoded(Picture picture, SKEncodedImageFormat format = SKEncodedImageFormat.Png, int quality = 90)
    {
        var info = new SKImageInfo(picture.Width, picture.Height, picture.Channels == 1 ? SKColorType.Gray8 : SKColorType.Rgba8888, picture.Channels == 4 ? SKAlphaType.Unpremul : SKAlphaType.Opaque);
        byte[] pixels = picture.Channels is 1 or 4 ? picture.Pixels : WithAlpha(picture);
        using SKImage image = SKImage.FromPixelCopy(info, pixels);
        using SKData data = image.Encode(format, quality);
        return data.ToArray();
    }

    /// <summary>A folder of <paramref name="count"/> PNG files a class, each class of its own grey.</summary>
    public static string Classes(TemporaryFolder folder, string name, int count, params string[] classes)
    {
        string root = Path.Combine(folder.Path, name);
        for (int c = 0; c < classes.Length; c++)
        {
            Directory.CreateDirectory(Path.Combine(root, classes[c]));
            for (int i = 0; i < count; i++) File.WriteAllBytes(Path.Combine(root, classes[c], $"{i:000}.png"), Encoded(Noise(8, 8, 1, (c * 1000) + i)));
        }

        return root;
    }

    private static byte[] WithAlpha(Picture rgb)
    {
        byte[] rgba = new byte[rgb.Width * rgb.Height * 4];
        for (int i = 0; i < rgb.Width * rgb.Height; i++)
        {
            rgb.Pixels.AsSpan(i * 3, 3).CopyTo(rgba.AsSpan(i * 4));
            rgba[(i * 4) + 3] = 255;
        }

        return rgba;
    }
}
