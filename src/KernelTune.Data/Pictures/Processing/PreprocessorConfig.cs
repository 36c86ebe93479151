using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using KernelTune.Checkpoints;

namespace KernelTune.Data.Pictures;

/// <summary>Reads and writes preprocessor_config.json.</summary>
public static class PreprocessorConfig
{
    public const string FileName = "preprocessor_config.json";

    private const int LongestEdge = 1 << 16;

    private const string ConvNext = "ConvNextImageProcessor", EfficientNet = "EfficientNetImageProcessor";

    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "image_processor_type", "feature_extractor_type", "processor_class", "do_convert_rgb", "do_resize", "size", "resample", "crop_pct", "do_center_crop", "crop_size", "do_rescale",
        "rescale_factor", "rescale_offset", "do_normalize", "image_mean", "image_std", "include_top",
        "do_reduce_labels", "reduce_labels",        // of maps of segments, which these pictures do not have
        "_valid_processor_keys", "data_format", "input_data_format", "return_tensors", "device", "default_to_square", "disable_grouping", "num_channels",      // these say how arrays are passed about
    };

    /// <summary>Reads a file.</summary>
    /// <exception cref="CheckpointException">The file is absent or no JSON, a key has the wrong type, or one asks for what is not supported.</exception>
    public static PictureProcessorSettings Read(string file) => From(JsonSettings.Read(file));

    /// <summary>The processor of a file, for a model of so many channels.</summary>
    /// <exception cref="CheckpointException">As <see cref="Read"/>, or image_mean or image_std has neither one number nor one a channel.</exception>
    public static PictureProcessor Processor(string file, int channels)
    {
        JsonSettings json = JsonSettings.Read(file);
        PictureProcessorSettings settings = From(json);
        foreach (var (key, numbers) in ((string, IReadOnlyList<double>)[])[("image_mean", settings.Mean), ("image_std", settings.Std)])
        {
            bool fits = numbers.Count == 1 || numbers.Count == channels || (channels == 1 && numbers.All(n => n == numbers[0]));
            if (!fits && (settings.DoNormalize || settings.DividesTwice))
                throw json.Bad(key, $"{Listed(numbers)} was found, one number or {channels} wanted: the model's pictures have {channels} channel{(channels == 1 ? "" : "s")}");
        }

        return new PictureProcessor(settings, channels);
    }

    /// <summary>Reads an object.</summary>
    /// <exception cref="CheckpointException">As <see cref="Read"/>.</exception>
    public static PictureProcessorSettings From(JsonSettings json)
    {
        ArgumentNullException.ThrowIfNull(json);
        string typeKey = json.Has("image_processor_type") || !json.Has("feature_extractor_type") ? "image_processor_type" : "feature_extractor_type";
        string type = Name(json.StringOrNull(typeKey) ?? "ViTImageProcessor");
        if (!ProcessorDefaults.Of.TryGetValue(type, out ProcessorDefaults? absent))
            throw json.Bad(typeKey, $"{CheckpointException.Quote(type)} is not known; known are {string.Join(", ", ProcessorDefaults.Of.Keys)}");
        foreach (JsonProperty key in json.Root.EnumerateObject())
        {
            bool says = key.Value.ValueKind is not (JsonValueKind.Null or JsonValueKind.False);
            if (says && !Known.Contains(key.Name)) throw json.Bad(key.Name, "not supported for pictures that are classified");
        }

        bool resize = json.Bool("do_resize", true);
        (int? edge, int? height, int? width) = !resize ? (null, null, null) : json.Has("size") ? Size(json, "size", absent.NumberIsSquare) : (absent.ShortestEdge, absent.Square, absent.Square);
        bool crop = json.Bool("do_center_crop", absent.Crops) && type != EfficientNet;       // EfficientNet's processor accepts the key and ignores it
        (int? cropHeight, int? cropWidth) = crop ? Crop(json, absent.CropSize) : (null, null);
        double? pct = type == ConvNext ? json.Double("crop_pct", 224.0 / 256) : null;
        if (type != ConvNext && json.Has("crop_pct")) throw json.Bad("crop_pct", $"not supported for {type}");
        if (pct is not null && !(pct > 0 && pct <= 1)) throw json.Bad("crop_pct", $"{pct} was found, more than 0 and at most 1 wanted");
        if (pct is not null && resize && edge is null) throw json.Bad("size", "a height and a width were found, shortest_edge wanted beside crop_pct");
        int filter = json.Int("resample", (int)absent.Resample);
        if (filter is < 0 or > 5) throw json.Bad("resample", $"{filter} was found, 0 to 5 wanted");
        var settings = new PictureProcessorSettings
        {
            ProcessorType = type,
            DoConvertRgb = json.Bool("do_convert_rgb", absent.ConvertsToRgb),
            DoResize = resize,
            ShortestEdge = edge,
            Height = height,
            Width = width,
            Resample = (ResampleFilter)filter,
            CropPct = resize ? pct : null,
            DoCenterCrop = crop,
            CropHeight = cropHeight,
            CropWidth = cropWidth,
            DoRescale = json.Bool("do_rescale", true),
            RescaleFactor = json.Double("rescale_factor", 1 / 255.0),
            RescaleOffset = json.Bool("rescale_offset", false),
            DoNormalize = json.Bool("do_normalize", true),
            Mean = Numbers(json, "image_mean") ?? absent.Mean,
            Std = Numbers(json, "image_std") ?? absent.Std,
            DividesTwice = json.Bool("include_top", type == EfficientNet) && type == EfficientNet,
        };
        if (settings.Mean.Count is 0 or > 4) throw json.Bad("image_mean", $"{settings.Mean.Count} numbers were found, one a channel wanted");
        if (settings.Std.Count is 0 or > 4) throw json.Bad("image_std", $"{settings.Std.Count} numbers were found, one a channel wanted");
        if ((settings.DoNormalize || settings.DividesTwice) && settings.Std.Any(s => s == 0)) throw json.Bad("image_std", $"{Listed(settings.Std)} was found, numbers that are not 0 wanted");
        return settings;
    }

    /// <summary>The object that Transformers reads back.</summary>
    public static JsonObject ToJson(PictureProcessorSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var json = new JsonObject { ["do_center_crop"] = settings.DoCenterCrop };
        if (settings.DoCenterCrop) json["crop_size"] = Pair(settings.CropHeight, settings.CropWidth);
        if (settings.CropPct is { } pct) json["crop_pct"] = pct;
        json["do_convert_rgb"] = settings.DoConvertRgb;
        json["do_normalize"] = settings.DoNormalize;
        json["do_rescale"] = settings.DoRescale;
        json["do_resize"] = settings.DoResize;
        json["image_mean"] = new JsonArray([.. settings.Mean.Select(v => (JsonNode)v)]);
        json["image_processor_type"] = settings.ProcessorType;
        json["image_std"] = new JsonArray([.. settings.Std.Select(v => (JsonNode)v)]);
        if (settings.ProcessorType == EfficientNet) json["include_top"] = settings.DividesTwice;
        json["resample"] = (int)settings.Resample;
        json["rescale_factor"] = settings.RescaleFactor;
        if (settings.RescaleOffset) json["rescale_offset"] = true;
        if (settings.DoResize) json["size"] = settings.ShortestEdge is { } edge ? new JsonObject { ["shortest_edge"] = edge } : Pair(settings.Height, settings.Width);
        return json;
    }

    private static JsonObject Pair(int? height, int? width) => new() { ["height"] = height, ["width"] = width };

    /// <summary>Old files name a feature extractor, and new ones may name the implementation: all are the same processor.</summary>
    private static string Name(string type)
    {
        if (type.EndsWith("FeatureExtractor", StringComparison.Ordinal)) type = type[..^"FeatureExtractor".Length] + "ImageProcessor";
        foreach (string end in (string[])["Fast", "Pil"])
            if (type.EndsWith("ImageProcessor" + end, StringComparison.Ordinal)) return type[..^end.Length];
        return type;
    }

    private static IReadOnlyList<double>? Numbers(JsonSettings json, string key) =>
        !json.Has(key) ? null : json.Root.GetProperty(key).ValueKind == JsonValueKind.Number ? [json.Double(key)] : json.Doubles(key);

    private static string Listed(IReadOnlyList<double> numbers) => string.Create(CultureInfo.InvariantCulture, $"[{string.Join(", ", numbers.Select(n => n.ToString(CultureInfo.InvariantCulture)))}]");

    /// <summary>A crop is a number, both edges of it, or a height and a width: a shorter edge says nothing of the longer one.</summary>
    private static (int? Height, int? Width) Crop(JsonSettings json, int? absent)
    {
        if (!json.Has("crop_size")) return absent is { } side ? (side, side) : throw json.Bad("crop_size", "absent, a size wanted beside do_center_crop");
        (int? edge, int? height, int? width) = Size(json, "crop_size", numberIsSquare: true);
        return edge is null ? (height, width) : throw json.Bad("crop_size", "shortest_edge was found, a number or a height and a width wanted");
    }

    /// <summary>A number, a list of height and width, or an object with shortest_edge or with height and width.</summary>
    private static (int? Edge, int? Height, int? Width) Size(JsonSettings json, string key, bool numberIsSquare)
    {
        switch (json.Root.GetProperty(key).ValueKind)
        {
            case JsonValueKind.Number:
                int number = Edge(json, key, json.Int(key));
                return numberIsSquare ? Both(json, key, number, number) : (number, null, null);
            case JsonValueKind.Array:
                return json.Ints(key) is [var first, var second]
                    ? Both(json, key, Edge(json, key, first), Edge(json, key, second))
                    : throw json.Bad(key, $"{json.Ints(key).Count} numbers were found, a height and a width wanted");
            default:
                JsonSettings size = json.Object(key)!;
                foreach (JsonProperty property in size.Root.EnumerateObject())
                {
                    if (property.Name is not ("shortest_edge" or "height" or "width") && property.Value.ValueKind != JsonValueKind.Null)
                        throw size.Bad(property.Name, "not supported, shortest_edge or height and width wanted");
                }

                if (!size.Has("shortest_edge")) return Both(json, key, Edge(size, "height", size.Int("height")), Edge(size, "width", size.Int("width")));
                if (size.Has("height") || size.Has("width")) throw json.Bad(key, "both shortest_edge and a height or width were found, one of them wanted");
                return (Edge(size, "shortest_edge", size.Int("shortest_edge")), null, null);
        }
    }

    private static (int? Edge, int? Height, int? Width) Both(JsonSettings json, string key, int height, int width) => (long)height * width <= PictureLimits.Default.MostPixels
        ? (null, height, width)
        : throw json.Bad(key, $"{height} × {width} was found, at most {PictureLimits.Default.MostPixels} pixels wanted");

    private static int Edge(JsonSettings json, string key, int value) => value is >= 1 and <= LongestEdge ? value : throw json.Bad(key, $"{value} was found, 1 to {LongestEdge} wanted");
}
