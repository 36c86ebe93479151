using System.Globalization;
using System.Text.Json;
using KernelTune.Conformance.Checks;
using KernelTune.Data;
using KernelTune.Data.Pictures;

namespace KernelTune.Conformance.Families;

/// <summary>Good files against what Pillow decodes, damaged ones against whether it does.</summary>
internal static class ImageDecoding
{
    /// <summary>A decoder that gives colours cannot say which entries of a palette they were, nor CMYK, nor 16 bits of grey: such cases are not supported as a whole.</summary>
    private static readonly Dictionary<string, string> Lost = new(StringComparer.Ordinal)
    {
        ["P"] = "indices into a palette",
        ["PA"] = "indices into a palette",
        ["CMYK"] = "CMYK samples",
        ["I;16"] = "16-bit grey, whose RGB is clipped there",
        ["I"] = "32-bit grey",
    };

    private static readonly HashSet<string> Formats = new(StringComparer.Ordinal) { "PNG", "JPEG", "WEBP", "GIF", "BMP" };

    public static Finding Run(string folder, JsonElement root)
    {
        string format = root.GetProperty("format").GetString()!, mode = root.GetProperty("mode").GetString()!;
        if (!Formats.Contains(format))
            return new Finding("", Outcome.Unsupported, $"format {format}");
        if (Lost.TryGetValue(mode, out string? what))
            return new Finding("", Outcome.Unsupported, what);
        var expected = new GoldenTensors(Path.Combine(folder, "expected.safetensors"));
        (double max, double mean) = (0, 0);
        if (!root.GetProperty("exact").GetBoolean())
        {
            JsonElement tolerance = root.TryGetProperty("tolerance", out JsonElement t) ? t : default;
            if (tolerance.ValueKind != JsonValueKind.Object)
                return new Finding("", Outcome.Unsupported, "an inexact case without a tolerance");
            (max, mean) = (tolerance.GetProperty("max").GetDouble(), tolerance.GetProperty("mean").GetDouble());
        }

        Picture stored = PictureFile.ReadStored(Path.Combine(folder, root.GetProperty("file").GetString()!), out Orientation orientation);
        List<string> failed = [];
        int compared = 0;
        Compare("rgb", stored.ToRgb());
        if (expected.Has("rgba"))
            Compare("rgba", Rgba(stored));
        Compare("pixels", mode switch { "L" or "1" => stored.ToGrey(), "RGB" => stored.ToRgb(), "LA" => GreyAlpha(stored), _ => stored });
        if (expected.Has("upright"))
            Compare("upright", Turning.Upright(stored, orientation).ToRgb());
        return new Finding("", failed.Count > 0 ? Outcome.Fail : Outcome.Pass, failed.Count > 0 ? string.Join("; ", failed) : $"{compared} pictures agree");

        void Compare(string name, Picture ours)
        {
            compared++;
            if (ImagesFamily.Difference(ours, expected[name]) is not { } d)
                failed.Add($"{name} is {ours.Height} × {ours.Width} × {ours.Channels}, wanted [{string.Join(", ", expected[name].Shape)}]");
            else if (d.Max > max || d.Mean > mean)
                failed.Add(string.Create(CultureInfo.InvariantCulture, $"{name} is off by {d.Max} (mean {d.Mean:0.000}), allowed {max} (mean {mean})"));
        }
    }

    public static Finding RunBroken(string folder, JsonElement root)
    {
        bool loads = root.GetProperty("loads").GetBoolean();
        try
        {
            Picture picture = PictureFile.Read(Path.Combine(folder, root.GetProperty("file").GetString()!));
            return new Finding("", loads ? Outcome.Pass : Outcome.Fail, $"decoded as {picture.Width} × {picture.Height}");
        }
        catch (DataException e)
        {
            return new Finding("", loads ? Outcome.Fail : Outcome.Pass, $"refused: {e.Problem}");
        }
    }

    private static Picture Rgba(Picture source)
    {
        if (source.Channels == 4)
            return source;
        Picture rgb = source.ToRgb();
        var rgba = new Picture(source.Width, source.Height, 4);
        for (int i = 0; i < source.Width * source.Height; i++)
        {
            rgb.Pixels.AsSpan(i * 3, 3).CopyTo(rgba.Pixels.AsSpan(i * 4));
            rgba.Pixels[(i * 4) + 3] = source.Channels == 2 ? source.Pixels[(i * 2) + 1] : (byte)255;
        }

        return rgba;
    }

    private static Picture GreyAlpha(Picture source)
    {
        Picture rgba = Rgba(source);
        var result = new Picture(source.Width, source.Height, 2);
        for (int i = 0; i < source.Width * source.Height; i++)
            (result.Pixels[i * 2], result.Pixels[(i * 2) + 1]) = (rgba.Pixels[i * 4], rgba.Pixels[(i * 4) + 3]);
        return result;
    }
}
