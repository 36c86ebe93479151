namespace KernelTune.Data.Pictures;

/// <summary>What a class of image processors does where preprocessor_config.json says nothing: the class attributes of Transformers 5's Pillow processors.</summary>
internal sealed record ProcessorDefaults
{
    private static readonly double[] Standard = [0.5, 0.5, 0.5];

    /// <summary>The classes that do what their keys say and no more (LeViT and PoolFormer, say, resize by rules of their own).</summary>
    public static IReadOnlyDictionary<string, ProcessorDefaults> Of { get; } = Table();

    /// <summary>The shorter edge after resizing; null: <see cref="Square"/> is set.</summary>
    public int? ShortestEdge { get; init; }

    /// <summary>Both edges after resizing; null: <see cref="ShortestEdge"/> is set.</summary>
    public int? Square { get; init; }

    /// <summary>One number as <c>size</c> is both edges; false: the shorter one.</summary>
    public bool NumberIsSquare { get; init; } = true;

    public ResampleFilter Resample { get; init; } = ResampleFilter.Bicubic;

    public bool Crops { get; init; }

    /// <summary>Both edges of the crop; null: the class has none.</summary>
    public int? CropSize { get; init; }

    public bool ConvertsToRgb { get; init; }

    public IReadOnlyList<double> Mean { get; init; } = Standard;

    public IReadOnlyList<double> Std { get; init; } = Standard;

    private static Dictionary<string, ProcessorDefaults> Table()
    {
        double[] clipMean = [0.48145466, 0.4578275, 0.40821073], clipStd = [0.26862954, 0.26130258, 0.27577711];
        var clip = new ProcessorDefaults { ShortestEdge = 224, NumberIsSquare = false, Crops = true, CropSize = 224, ConvertsToRgb = true, Mean = clipMean, Std = clipStd };
        var mobileNet = new ProcessorDefaults { ShortestEdge = 256, NumberIsSquare = false, Resample = ResampleFilter.Bilinear, Crops = true, CropSize = 224 };
        return new(StringComparer.Ordinal)
        {
            ["ViTImageProcessor"] = new() { Square = 224, Resample = ResampleFilter.Bilinear },
            ["DeiTImageProcessor"] = new() { Square = 256, Crops = true, CropSize = 224 },
            ["BeitImageProcessor"] = new() { Square = 224, CropSize = 224 },
            ["PvtImageProcessor"] = new() { Square = 224, Mean = [0.485, 0.456, 0.406], Std = [0.229, 0.224, 0.225] },
            ["SiglipImageProcessor"] = new() { Square = 224, NumberIsSquare = false, ConvertsToRgb = true },
            ["EfficientNetImageProcessor"] = new() { Square = 346, CropSize = 289 },
            ["ConvNextImageProcessor"] = new() { ShortestEdge = 384, NumberIsSquare = false },
            ["CLIPImageProcessor"] = clip,
            ["BitImageProcessor"] = clip,
            ["MobileNetV1ImageProcessor"] = mobileNet,
            ["MobileNetV2ImageProcessor"] = mobileNet,
        };
    }
}
