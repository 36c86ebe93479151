using System.Text.Json;
using KernelTune.Conformance.Checks;

namespace KernelTune.Conformance.Families;

/// <summary>images/: pictures decoded, damaged files refused, resizing and other transforms, image processors.</summary>
public sealed class ImagesFamily : IFamily
{
    public string Name => "images";

    public bool UsesDevice => false;

    public IEnumerable<string> Cases(string folder) =>
        Directory.EnumerateDirectories(folder).Where(d => File.Exists(Path.Combine(d, "case.json"))).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal);

    public IEnumerable<Finding> Run(string folder, string name, string device)
    {
        string at = Path.Combine(folder, name);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(at, "case.json")));
        JsonElement root = json.RootElement;
        string kind = root.GetProperty("kind").GetString()!;
        return kind switch
        {
            "transform" => ImageTransforms.Run(at, root),
            "processor" => [ImageProcessors.Run(at, root)],
            "decode" => [ImageDecoding.Run(at, root)],
            "decode_error" => [ImageDecoding.RunBroken(at, root)],
            _ => [new Finding("", Outcome.Unsupported, $"kind {kind}")],
        };
    }

    /// <summary>Pixels U8 [H, W, C] of a case.</summary>
    internal static Data.Pictures.Picture Picture(GoldenTensor tensor)
    {
        if (tensor.DType != "U8" || tensor.Shape is not [var height, var width, var channels])
            throw new InvalidDataException($"{tensor.Name} is {tensor.DType} [{string.Join(", ", tensor.Shape)}], wanted U8 [height, width, channels]");
        return new Data.Pictures.Picture(width, height, channels, tensor.Bytes.ToArray());
    }

    /// <summary>How far two pictures are apart: the largest and the mean difference; null where their shapes differ.</summary>
    internal static (int Max, double Mean)? Difference(Data.Pictures.Picture ours, GoldenTensor wanted)
    {
        Data.Pictures.Picture other = Picture(wanted);
        if (ours.Width != other.Width || ours.Height != other.Height || ours.Channels != other.Channels) return null;
        int max = 0;
        long sum = 0;
        for (int i = 0; i < ours.Pixels.Length; i++)
        {
            int d = Math.Abs(ours.Pixels[i] - other.Pixels[i]);
            (max, sum) = (Math.Max(max, d), sum + d);
        }

        return (max, (double)sum / ours.Pixels.Length);
    }
}
