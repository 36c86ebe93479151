using System.Globalization;
using System.Text.Json;
using KernelTune.Conformance.Checks;
using KernelTune.Data.Pictures;

namespace KernelTune.Conformance.Families;

/// <summary>Transforms of one picture, each held to its own tolerance in levels of 0 … 255.</summary>
internal static class ImageTransforms
{
    /// <summary>One finding for the operations that are known, and one for each that is not.</summary>
    public static IEnumerable<Finding> Run(string folder, JsonElement root)
    {
        var expected = new GoldenTensors(Path.Combine(folder, "expected.safetensors"));
        Picture input = ImagesFamily.Picture(expected["input"]);
        string mode = root.GetProperty("mode").GetString()!;
        int channels = mode switch { "L" => 1, "RGB" => 3, "RGBA" => 4, _ => 0 };
        if (channels != input.Channels)
            return [new Finding("", Outcome.Unsupported, $"mode {mode}")];
        List<string> failed = [], unsupported = [];
        int compared = 0, off = 0, worst = 0;
        foreach (JsonElement operation in root.GetProperty("operations").EnumerateArray())
        {
            string name = operation.GetProperty("name").GetString()!, op = operation.GetProperty("op").GetString()!;
            Picture ours;
            try
            {
                ours = Apply(input, op, new Parameters(operation.GetProperty("parameters")));
            }
            catch (NotSupportedException e)
            {
                unsupported.Add(e.Message);
                continue;
            }

            compared++;
            int allowed = operation.GetProperty("tolerance").GetInt32();
            if (ImagesFamily.Difference(ours, expected[name]) is not { } difference)
                failed.Add($"{name} is {ours.Height} × {ours.Width} × {ours.Channels}, wanted [{string.Join(", ", expected[name].Shape)}]");
            else if (difference.Max > allowed)
                failed.Add(string.Create(CultureInfo.InvariantCulture, $"{name} is off by {difference.Max} (mean {difference.Mean:0.000}), allowed {allowed}"));
            else if (difference.Max > 0)
                (off, worst) = (off + 1, Math.Max(worst, difference.Max));
        }

        if (failed.Count > 0)
            return [new Finding("", Outcome.Fail, string.Join("; ", failed))];
        if (unsupported.Count > 0)
            return [new Finding("", Outcome.Unsupported, string.Join(", ", unsupported.Distinct()))];
        string detail = off == 0 ? $"{compared} bit for bit" : $"{compared - off} bit for bit, {off} off by {worst}";
        return [new Finding("", compared > 0 ? Outcome.Pass : Outcome.Fail, detail)];
    }

    private static Picture Apply(Picture input, string op, Parameters p) => op switch
    {
        "resize" => p.Done(Resizing.Resize(input, p.Int("width"), p.Int("height"), p.Filter("filter"), p.Box("box"), p.Real("reducing_gap"))),
        "reduce" => p.Done(p.Ints("factor") is [var x, var y] ? Reduction.Reduce(input, x, y) : throw new NotSupportedException("reduce by one factor")),
        "resize_shortest" => p.Done(Shortest(input, p.Int("size"), p.Filter("filter"))),
        "center_crop" => p.Done(Cropping.CenterRounded(input, p.Int("height"), p.Int("width"))),
        "crop" => p.Done(Cropping.Crop(input, p.Int("top"), p.Int("left"), p.Int("height"), p.Int("width"))),
        "resized_crop" => p.Done(Resizing.Resize(
            Cropping.Crop(input, p.Int("top"), p.Int("left"), p.Int("height"), p.Int("width")), p.Int("out_width"), p.Int("out_height"), p.Filter("filter"))),
        "hflip" => p.Done(Turning.FlipHorizontal(input)),
        "vflip" => p.Done(Turning.FlipVertical(input)),
        "transpose" => p.Done(p.Word("method") switch
        {
            "rotate_90" => Turning.Rotate90(input),
            "rotate_180" => Turning.Rotate180(input),
            "rotate_270" => Turning.Rotate270(input),
            "transpose" => Turning.Transpose(input),
            "transverse" => Turning.Transverse(input),
            "flip_left_right" => Turning.FlipHorizontal(input),
            "flip_top_bottom" => Turning.FlipVertical(input),
            var method => throw new NotSupportedException($"transpose by {method}"),
        }),
        _ => throw new NotSupportedException($"operation {op}"),
    };

    private static Picture Shortest(Picture input, int size, ResampleFilter filter)
    {
        (int width, int height) = Resizing.ShortestEdge(input.Width, input.Height, size);
        return Resizing.Resize(input, width, height, filter);
    }

    /// <summary>The parameters of an operation; one that nobody asked for makes it unsupported.</summary>
    private sealed class Parameters(JsonElement values)
    {
        private readonly HashSet<string> read = [];

        public int Int(string key) => Value(key).GetInt32();

        public string Word(string key) => Value(key).GetString()!;

        public int[] Ints(string key) => Value(key) is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray().Select(e => e.GetInt32())] : [];

        public double? Real(string key) => Optional(key)?.GetDouble();

        public PictureBox? Box(string key) => Optional(key) is { } box ? new PictureBox(box[0].GetDouble(), box[1].GetDouble(), box[2].GetDouble(), box[3].GetDouble()) : null;

        public ResampleFilter Filter(string key) =>
            Enum.TryParse(Word(key), ignoreCase: true, out ResampleFilter filter) ? filter : throw new NotSupportedException($"filter {Word(key)}");

        public Picture Done(Picture result)
        {
            foreach (JsonProperty parameter in values.EnumerateObject())
                if (!read.Contains(parameter.Name) && parameter.Value.ValueKind != JsonValueKind.Null)
                    throw new NotSupportedException($"parameter {parameter.Name}");
            return result;
        }

        private JsonElement Value(string key) => Optional(key) ?? throw new InvalidDataException($"there is no parameter {key}");

        private JsonElement? Optional(string key)
        {
            read.Add(key);
            return values.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
        }
    }
}
