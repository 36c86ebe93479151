using System.Buffers.Binary;
using KernelTune.Data.Reading;
using Microsoft.Win32.SafeHandles;
using SkiaSharp;

namespace KernelTune.Data.Pictures;

/// <summary>
/// Pictures from files: PNG, JPEG, WebP, GIF (its first frame) and BMP, decoded by SkiaSharp without any management of colours, as Pillow does. 16-bit samples keep their high byte,
/// palettes become colours. A damaged or truncated file is an error, never half a picture.
/// </summary>
public static class PictureFile
{
    /// <summary>
    /// No picture has more, so memory is bounded by the file's size: deflate makes at most 1032 bytes of one (of one bit a pixel), a JPEG spends at least a bit on each 8 × 8 pixels, a code of
    /// GIF's stands for at most 4096. WebP alone has no such bound below its 16383 × 16383.
    /// </summary>
    private const long MostPixelsPerByte = 10_000;

    private static readonly string[] Known = [".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"];

    /// <summary>True for names that end as pictures do.</summary>
    public static bool HasKnownName(string path) => Known.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>The picture of a file, turned upright by its EXIF orientation.</summary>
    /// <exception cref="DataException">Nothing there, no picture, damaged, cut off, or larger than the limits.</exception>
    public static Picture Read(string path, PictureLimits? limits = null)
    {
        Picture stored = ReadStored(path, out Orientation orientation, limits);
        return Turning.Upright(stored, orientation);
    }

    /// <summary>The picture as it is stored, and how it should be turned.</summary>
    /// <exception cref="DataException">As <see cref="Read"/>.</exception>
    public static Picture ReadStored(string path, out Orientation orientation, PictureLimits? limits = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        limits ??= PictureLimits.Default;
        return Decode(path, Bytes(path, limits), limits, out orientation);
    }

    /// <summary>Decodes bytes that <paramref name="name"/> names in errors.</summary>
    /// <exception cref="DataException">As <see cref="Read"/>.</exception>
    public static Picture Decode(string name, ReadOnlySpan<byte> bytes, PictureLimits limits, out Orientation orientation)
    {
        ArgumentNullException.ThrowIfNull(limits);
        if (bytes.IsEmpty) throw new DataException(name, "the file is empty, a picture wanted");
        if (bytes.StartsWith("version https://git-lfs.github.com/spec/"u8))
            throw new DataException(name, "a Git LFS pointer was found, the picture itself wanted (git lfs pull fetches it)");
        using SKData data = SKData.CreateCopy(bytes);
        using SKCodec? codec = SKCodec.Create(data);
        if (codec is null)
            throw new DataException(name, "neither PNG, JPEG, WebP, GIF nor BMP was found, or a header that is damaged or cut off; a picture wanted");
        SKImageInfo info = codec.Info;
        if ((long)info.Width * info.Height > limits.MostKept)
            throw new DataException(name, $"a picture of {info.Width} × {info.Height} pixels was found, at most {limits.MostKept} pixels wanted");
        if (codec.EncodedFormat != SKEncodedImageFormat.Webp && (long)info.Width * info.Height > MostPixelsPerByte * bytes.Length)
            throw new DataException(name, $"a picture of {info.Width} × {info.Height} pixels was found in {bytes.Length} bytes, which cannot hold it");
        if (codec.EncodedFormat == SKEncodedImageFormat.Jpeg && !JpegEnd.IsThere(bytes))
            throw new DataException(name, $"the JPEG file is cut off: {bytes.Length} bytes were found, and no end marker among them");
        if (codec.EncodedFormat == SKEncodedImageFormat.Webp && bytes.Length >= 8 && 8L + BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) is var wanted && wanted > bytes.Length)
            throw new DataException(name, $"the WEBP file is cut off: {bytes.Length} bytes were found, its header says {wanted}");
        orientation = (Orientation)codec.EncodedOrigin;
        bool grey = info.ColorType == SKColorType.Gray8;
        return grey ? Grey(name, codec, info) : Colours(name, codec, info);
    }

    private static Picture Grey(string name, SKCodec codec, SKImageInfo info)
    {
        var picture = new Picture(info.Width, info.Height, 1);
        Fill(name, codec, new SKImageInfo(info.Width, info.Height, SKColorType.Gray8, SKAlphaType.Opaque, null), picture.Pixels);
        return picture;
    }

    private static Picture Colours(string name, SKCodec codec, SKImageInfo info)
    {
        var picture = new Picture(info.Width, info.Height, 4);
        bool opaque = info.AlphaType == SKAlphaType.Opaque;
        Fill(name, codec, new SKImageInfo(info.Width, info.Height, SKColorType.Rgba8888, opaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul, null), picture.Pixels);
        return opaque ? picture.ToRgb() : picture;
    }

    private static unsafe void Fill(string name, SKCodec codec, SKImageInfo wanted, byte[] pixels)
    {
        SKCodecResult result;
        fixed (byte* to = pixels) result = codec.GetPixels(wanted, (nint)to);
        if (result == SKCodecResult.Success) return;
        string kind = codec.EncodedFormat.ToString().ToUpperInvariant();
        throw new DataException(name, result == SKCodecResult.IncompleteInput
            ? $"the {kind} file is cut off: a picture of {wanted.Width} × {wanted.Height} pixels wanted, some rows are missing"
            : $"the {kind} file is damaged ({result}), a picture of {wanted.Width} × {wanted.Height} pixels wanted");
    }

    private static byte[] Bytes(string path, PictureLimits limits)
    {
        using SafeFileHandle file = RegularFile.Open(path);
        long length = RandomAccess.GetLength(file);
        if (length > limits.MostBytes) throw new DataException(path, $"{length} bytes were found, at most {limits.MostBytes} wanted");
        byte[] bytes = new byte[length];
        int done = 0;
        try
        {
            while (done < bytes.Length)
            {
                int n = RandomAccess.Read(file, bytes.AsSpan(done), done);
                if (n == 0) throw new DataException(path, $"the file ends after {done} bytes, it had {length} when it was opened");
                done += n;
            }
        }
        catch (IOException e)
        {
            throw new DataException(path, $"cannot be read ({e.Message.Split('\n')[0].TrimEnd('\r', '.')})", inner: e);
        }

        return bytes;
    }
}
