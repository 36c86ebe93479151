namespace KernelTune.Data.Pictures;

/// <summary>How a picture becomes a model's input: the keys of Hugging Face's preprocessor_config.json, for models that classify pictures.</summary>
public sealed record PictureProcessorSettings
{
    /// <summary><c>image_processor_type</c>: the class of Transformers that reads the file. It decides what absent keys mean, and a few exceptions.</summary>
    public string ProcessorType { get; init; } = "ViTImageProcessor";

    /// <summary>True: pictures with alpha are put before a white background; false: alpha is dropped.</summary>
    public bool DoConvertRgb { get; init; }

    public bool DoResize { get; init; } = true;

    /// <summary>The shorter edge after resizing, proportions kept; null: Height and Width are set.</summary>
    public int? ShortestEdge { get; init; }

    /// <summary>Rows after resizing; null: ShortestEdge is set.</summary>
    public int? Height { get; init; }

    /// <summary>Columns after resizing; null: ShortestEdge is set.</summary>
    public int? Width { get; init; }

    public ResampleFilter Resample { get; init; } = ResampleFilter.Bilinear;

    /// <summary>
    /// ConvNeXT's and ResNet's rule: below 384, the shorter edge becomes ⌊ShortestEdge / CropPct⌋ and the middle square of ShortestEdge is kept; from 384 on, the picture is warped to a square.
    /// </summary>
    public double? CropPct { get; init; }

    public bool DoCenterCrop { get; init; }

    /// <summary>Rows of the crop.</summary>
    public int? CropHeight { get; init; }

    /// <summary>Columns of the crop.</summary>
    public int? CropWidth { get; init; }

    public bool DoRescale { get; init; } = true;

    public double RescaleFactor { get; init; } = 1 / 255.0;

    /// <summary>EfficientNet's <c>rescale_offset</c>: 1 is subtracted after rescaling.</summary>
    public bool RescaleOffset { get; init; }

    public bool DoNormalize { get; init; } = true;

    /// <summary>One number a channel, or one for all.</summary>
    public IReadOnlyList<double> Mean { get; init; } = [0.5, 0.5, 0.5];

    /// <summary>One number a channel, or one for all.</summary>
    public IReadOnlyList<double> Std { get; init; } = [0.5, 0.5, 0.5];

    /// <summary>EfficientNet's <c>include_top</c>: the values are divided by Std once more.</summary>
    public bool DividesTwice { get; init; }

    /// <summary>The size of the result where it does not depend on the picture; null where it does.</summary>
    public (int Height, int Width)? FixedSize
    {
        get
        {
            if (DoCenterCrop) return (CropHeight!.Value, CropWidth!.Value);
            if (CropPct is not null && DoResize) return (ShortestEdge!.Value, ShortestEdge.Value);
            return DoResize && Height is { } h && Width is { } w ? (h, w) : null;
        }
    }
}
