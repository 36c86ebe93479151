using KernelTune.Checkpoints;

namespace KernelTune.Models;

/// <summary>What distinguishes one ResNet from another, whichever library's configuration says it.</summary>
internal sealed record ResNetSettings
{
    public required ResNetNames Names { get; init; }

    public required bool Bottleneck { get; init; }

    /// <summary>Blocks of each stage.</summary>
    public required IReadOnlyList<int> Depths { get; init; }

    /// <summary>Planes that each stage gives.</summary>
    public required IReadOnlyList<int> Outputs { get; init; }

    /// <summary>Planes between the convolutions of each stage's blocks.</summary>
    public required IReadOnlyList<int> Inner { get; init; }

    public required int Labels { get; init; }

    public int Channels { get; init; } = 3;

    /// <summary>Planes that the stem gives.</summary>
    public int Stem { get; init; } = 64;

    public string Activation { get; init; } = "relu";

    /// <summary>Between the convolutions of a block. Transformers' is relu there, whatever hidden_act says.</summary>
    public string InnerActivation { get; init; } = "relu";

    public bool DownsamplesFirst { get; init; }

    /// <summary>Whether a bottleneck's stride is in its first convolution, not in the 3×3.</summary>
    public bool StridesEarly { get; init; }

    /// <summary>Groups of a bottleneck's 3×3 (ResNeXt).</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Whether a shortcut averages before its 1×1, rather than striding in it (ResNet-D).</summary>
    public bool AveragesShortcut { get; init; }

    /// <summary>Whether a fresh model's last norm of each block starts at 0, so that blocks start as identities.</summary>
    public bool ZeroLast { get; init; }

    /// <summary>Reads a configuration of Hugging Face, torchvision or timm.</summary>
    /// <exception cref="CheckpointException">A setting is missing, of the wrong type, or not built.</exception>
    public static ResNetSettings Read(JsonSettings config, string architecture) => architecture switch
    {
        "torchvision.ResNet" => Torchvision(config),
        "timm.ResNet" => Timm(config, config.String("block"), config.Ints("layers"), config.Int("base_width", 64), config.Int("cardinality", 1)),
        _ when TimmVariants.TryGetValue(architecture, out var v) => Timm(config, v.Block, v.Layers, v.BaseWidth, v.Cardinality),
        _ => HuggingFace(config),
    };

    /// <summary>timm's names of whole models, as its config.json gives them.</summary>
    public static IReadOnlyDictionary<string, (string Block, int[] Layers, int BaseWidth, int Cardinality)> TimmVariants { get; } =
        new Dictionary<string, (string, int[], int, int)>(StringComparer.Ordinal)
        {
            ["resnet18"] = ("BasicBlock", [2, 2, 2, 2], 64, 1),
            ["resnet34"] = ("BasicBlock", [3, 4, 6, 3], 64, 1),
            ["resnet26"] = ("Bottleneck", [2, 2, 2, 2], 64, 1),
            ["resnet50"] = ("Bottleneck", [3, 4, 6, 3], 64, 1),
            ["resnet101"] = ("Bottleneck", [3, 4, 23, 3], 64, 1),
            ["resnet152"] = ("Bottleneck", [3, 8, 36, 3], 64, 1),
            ["wide_resnet50_2"] = ("Bottleneck", [3, 4, 6, 3], 128, 1),
            ["wide_resnet101_2"] = ("Bottleneck", [3, 4, 23, 3], 128, 1),
            ["resnext50_32x4d"] = ("Bottleneck", [3, 4, 6, 3], 4, 32),
            ["resnext101_32x8d"] = ("Bottleneck", [3, 4, 23, 3], 8, 32),
        };

    private static ResNetSettings HuggingFace(JsonSettings config)
    {
        string type = config.StringOrNull("layer_type") ?? "bottleneck", activation = config.StringOrNull("hidden_act") ?? "relu";
        if (type is not ("basic" or "bottleneck"))
            throw config.Bad("layer_type", $"{CheckpointException.Quote(type)} was found: basic or bottleneck wanted");
        Activations.Check(activation);
        IReadOnlyList<int> outputs = config.Has("hidden_sizes") ? config.Ints("hidden_sizes") : [256, 512, 1024, 2048];
        IReadOnlyList<int> depths = config.Has("depths") ? config.Ints("depths") : [3, 4, 6, 3];
        CheckStages(config, "depths", depths, outputs);
        int labels = config.IntOrNull("num_labels") ?? config.Object("id2label")?.Root.EnumerateObject().Count() ?? 2;
        string problem = config.StringOrNull("problem_type") ?? "single_label_classification";
        if (problem != "single_label_classification" || labels < 2)
            throw config.Bad(labels < 2 ? "num_labels" : "problem_type", $"{(labels < 2 ? labels : CheckpointException.Quote(problem))} was found: classification of one label among at least 2 is built");
        return new ResNetSettings
        {
            Names = new HuggingFaceResNetNames(),
            Bottleneck = type == "bottleneck",
            Depths = depths,
            Outputs = outputs,
            Inner = type == "bottleneck" ? [.. outputs.Select(n => n / 4)] : outputs,
            Labels = labels,
            Channels = config.Int("num_channels", 3),
            Stem = config.Int("embedding_size", 64),
            Activation = activation,
            DownsamplesFirst = config.Bool("downsample_in_first_stage", false),
            StridesEarly = config.Bool("downsample_in_bottleneck", false),
        };
    }

    private static ResNetSettings Torchvision(JsonSettings config)
    {
        Refuse(config, "replace_stride_with_dilation", "norm_layer");
        int groups = config.Int("groups", 1), width = config.Int("width_per_group", 64);
        IReadOnlyList<int> widths = config.Has("widths") ? config.Ints("widths") : [64, 128, 256, 512];
        bool bottleneck = IsBottleneck(config, config.String("block"), groups, width);
        CheckStages(config, "layers", config.Ints("layers"), widths);
        return new ResNetSettings
        {
            Names = new TorchResNetNames(),
            Bottleneck = bottleneck,
            Depths = config.Ints("layers"),
            Outputs = bottleneck ? [.. widths.Select(n => 4 * n)] : widths,
            Inner = bottleneck ? [.. widths.Select(n => (int)(n * (width / 64.0)) * groups)] : widths,
            Labels = config.Int("num_classes", 1000),
            Stem = widths[0],
            Groups = groups,
            ZeroLast = config.Bool("zero_init_residual", false),
        };
    }

    private static ResNetSettings Timm(JsonSettings config, string block, IReadOnlyList<int> layers, int width, int groups)
    {
        Refuse(config, "stem_type", "replace_stem_pool", "aa_layer", "norm_layer", "block_args", "drop_rate", "drop_path_rate", "drop_block_rate");
        foreach (var (key, built) in (ReadOnlySpan<(string, int)>)[("output_stride", 32), ("block_reduce_first", 1), ("down_kernel_size", 1)])
        {
            if (config.Int(key, built) != built)
                throw config.Bad(key, $"{config.Int(key)} was found: {built} is built");
        }
        string pool = config.StringOrNull("global_pool") ?? "avg", activation = config.StringOrNull("act_layer") ?? "relu";
        if (pool is not ("avg" or "fast"))
            throw config.Bad("global_pool", $"{CheckpointException.Quote(pool)} was found: avg is built");
        Activations.Check(activation);
        bool bottleneck = IsBottleneck(config, block, groups, width);
        IReadOnlyList<int> planes = config.Has("channels") ? config.Ints("channels") : [64, 128, 256, 512];
        CheckStages(config, "layers", layers, planes);
        return new ResNetSettings
        {
            Names = new TorchResNetNames(),
            Bottleneck = bottleneck,
            Depths = layers,
            Outputs = bottleneck ? [.. planes.Select(n => 4 * n)] : planes,
            Inner = bottleneck ? [.. planes.Select(n => (int)Math.Floor(n * (width / 64.0)) * groups)] : planes,
            Labels = config.Int("num_classes", 1000),
            Channels = config.Int("in_chans", 3),
            Activation = activation,
            InnerActivation = activation,
            Groups = groups,
            AveragesShortcut = config.Bool("avg_down", false),
            ZeroLast = config.Bool("zero_init_last", true),
        };
    }

    private static bool IsBottleneck(JsonSettings config, string block, int groups, int width)
    {
        if (block is not ("BasicBlock" or "Bottleneck"))
            throw config.Bad("block", $"{CheckpointException.Quote(block)} was found: BasicBlock or Bottleneck wanted");
        if (block == "BasicBlock" && (groups != 1 || width != 64))
            throw config.Bad("block", $"a BasicBlock has 1 group of 64, not {groups} of {width}");
        return block == "Bottleneck";
    }

    private static void CheckStages(JsonSettings config, string key, IReadOnlyList<int> depths, IReadOnlyList<int> widths)
    {
        if (depths.Count != widths.Count || depths.Count == 0 || depths.Any(n => n < 1) || widths.Any(n => n < 1))
            throw config.Bad(key, $"{depths.Count} stages of [{string.Join(", ", depths)}] blocks and [{string.Join(", ", widths)}] planes");
    }

    // null, false, 0, an empty text or list leave the network as it is built here.
    private static void Refuse(JsonSettings config, params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
        {
            if (!config.Has(key))
                continue;
            var value = config.Root.GetProperty(key);
            string text = value.GetRawText();
            if (text is not ("null" or "false" or "0" or "0.0" or "\"\"" or "{}" or "[]") && !(value.ValueKind == System.Text.Json.JsonValueKind.Array && value.EnumerateArray().All(e => e.ValueKind == System.Text.Json.JsonValueKind.False)))
                throw config.Bad(key, $"{text} was found: it is not built");
        }
    }
}
