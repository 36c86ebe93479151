using System.Text.Json;
using System.Text.Json.Nodes;
using KernelTune.Checkpoints;

namespace KernelTune.Data.Pictures;

/// <summary>Reads and writes preprocessor_config.json.</summary>
public static class PreprocessorConfig
{
    public const string FileName = "preprocessor_config.json";

    private const string ConvNext = "ConvNextImageProcessor", EfficientNet = "EfficientNetImageProcessor";

    /// <summary>
    /// The processors that do what their keys say and no more (LeViT and PoolFormer, say, resize by rules of their own): whether one number as size is the shorter edge or both, and
    /// whether they crop the middle where nothing is said.
    /// </summary>
    private static readonly Dictionary<string, (bool ByShortestEdge, bool Crops)> Processors = new(StringComparer.Ordinal)
    {
        ["ViTImageProcessor"] = (false, false),
        ["DeiTImageProcessor"] = (false, true),
        ["BeitImageProcessor"] = (false, false),
        ["PvtImageProcessor"] = (false, false),
        ["SiglipImageProcessor"] = (false, false),
        [EfficientNet] = (false, false),
        [ConvNext] = (true, false),
        ["CLIPImageProcessor"] = (true, true),
        ["BitImageProcessor"] = (true, true),
        ["MobileNetV1ImageProcessor"] = (true, true),
        ["MobileNetV2ImageProcessor"] = (true, true),
    };

    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "image_processor_type", "feature_extractor_type", "processor_class", "do_convert_rgb", "do_resize", "size", "resample", "crop_pct", "do_center_crop", "crop_size", "do_rescale",
        "rescale_factor", "rescale_offset", "do_normalize", "image_mean", "image_std", "include_top",
        "data_format", "input_data_format", "return_tensors", "device", "default_to_square", "disable_grouping", "num_channels",      // these say how arrays are passed about
    };

    /// <summary>Reads a file.</summary>
    /// <exception cref="CheckpointException">The file is absent or no JSON, a key has the wrong type, or one asks for what is not supported.</exception>
    public static PictureProcessorSettings Read(string file) => From(JsonSettings.Read(file));

    /// <summary>Reads an object.</summary>
    /// <exception cref="CheckpointException">As <see cref="Read"/>.</exception>
    public static PictureProcessorSettings From(JsonSettings json)
    {
        ArgumentNullException.ThrowIfNull(json);
        string typeKey = json.Has("image_processor_type") || !json.Has("feature_extractor_type") ? "image_processor_type" : "feature_extractor_type";
        string type = Name(json.StringOrNull(typeKey) ?? "ViTImageProcessor");
        if (!Processors.TryGetValue(type, out var processor))
            throw json.Bad(typeKey, $"{CheckpointException.Quote(type)} is not known; known are {string.Join(", ", Processors.Keys)}");
        foreach (JsonProperty key in json.Root.EnumerateObject())
        {
            bool says = key.Value.ValueKind is not (JsonValueKind.Null or JsonValueKind.False);
            if (says && !Known.Contains(key.Name)) throw json.Bad(key.Name, "not supported for pictures that are classified");
        }

        bool resize = json.Bool("do_resize", true);
        (int? edge, int? height, int? width) = resize ? Size(json, "size", processor.ByShortestEdge) : (null, null, null);
        bool crop = json.Bool("do_center_crop", processor.Crops) && type != EfficientNet;       // EfficientNet's processor accepts the key and ignores it
        (int? square, int? cropHeight, int? cropWidth) = crop ? Size(json, "crop_size", false) : (null, null, null);
        double? pct = type == ConvNext ? json.Double("crop_pct", 224.0 / 256) : null;
        if (type != ConvNext && json.Has("crop_pct")) throw json.Bad("crop_pct", $"not supported for {type}");
        if (pct is not null && !(pct > 0 && pct <= 1)) throw json.Bad("crop_pct", $"{pct} was found, more than 0 and at most 1 wanted");
        if (pct is not null && resize && edge is null) throw json.Bad("size", "a height and a width were found, shortest_edge wanted beside crop_pct");
        int filter = json.Int("resample", (int)ResampleFilter.Bilinear);
        if (filter is < 0 or > 5) throw json.Bad("resample", $"{filter} was found, 0 to 5 wanted");
        var settings = new PictureProcessorSettings
        {
            ProcessorType = type,
            DoConvertRgb = json.Bool("do_convert_rgb", false),
            DoResize = resize,
            ShortestEdge = edge,
            Height = height,
            Width = width,
            Resample = (ResampleFilter)filter,
            CropPct = resize ? pct : null,
            DoCenterCrop = crop,
            CropHeight = square ?? cropHeight,
            CropWidth = square ?? cropWidth,
            DoRescale = json.Bool("do_rescale", true),
            RescaleFactor = json.Double("rescale_factor", 1 / 255.0),
            RescaleOffset = json.Bool("rescale_offset", false),
            DoNormalize = json.Bool("do_normalize", true),
            DividesTwice = json.Bool("include_top", type == EfficientNet) && type == EfficientNet,
        };
        if (json.Has("image_mean")) settings = settings with { Mean = json.Doubles("image_mean") };
        if (json.Has("image_std")) settings = settings with { Std = json.Doubles("image_std") };
        if (settings.Mean.Count is 0 or > 4) throw json.Bad("image_mean", $"{settings.Mean.Count} numbers were found, one a channel wanted");
        if (settings.Std.Count != settings.Mean.Count || settings.Std.Any(s => s == 0))
            throw json.Bad("image_std", $"[{string.Join(", ", settings.Std)}] was found, {settings.Mean.Count} numbers that are not 0 wanted");
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

    private static (int? Edge, int? Height, int? Width) Size(JsonSettings json, string key, bool numberIsShortestEdge)
    {
        if (!json.Has(key)) throw json.Bad(key, "absent, a size wanted");
        if (json.Root.GetProperty(key).ValueKind == JsonValueKind.Number)
        {
            int number = AtLeastOne(json, key, json.Int(key));
            return numberIsShortestEdge ? (number, null, null) : (null, number, number);
        }

        JsonSettings size = json.Object(key)!;
        foreach (JsonProperty property in size.Root.EnumerateObject())
        {
            if (property.Name is not ("shortest_edge" or "height" or "width") && property.Value.ValueKind != JsonValueKind.Null)
                throw size.Bad(property.Name, "not supported, shortest_edge or height and width wanted");
        }

        if (size.Has("shortest_edge"))
        {
            if (size.Has("height") || size.Has("width")) throw json.Bad(key, "both shortest_edge and a height or width were found, one of them wanted");
            return (AtLeastOne(size, "shortest_edge", size.Int("shortest_edge")), null, null);
        }

        return (null, AtLeastOne(size, "height", size.Int("height")), AtLeastOne(size, "width", size.Int("width")));
    }

    private static int AtLeastOne(JsonSettings json, string key, int value) =>
        value is >= 1 and <= 1 << 16 ? value : throw json.Bad(key, $"{value} was found, 1 to 65536 wanted");
}
