using KernelTune.Methods;
using KernelTune.Training.Recipes;

namespace KernelTune.Cli.Recipes;

/// <summary>Reads the settings of the methods that are not LoRA: the names of PEFT, or of adapter-hub.</summary>
internal static class MethodBlocks
{
    public static PromptTuningConfig Prompt(RecipeMap map)
    {
        var defaults = new PromptTuningConfig();
        return defaults with
        {
            NumVirtualTokens = map.Integer("num_virtual_tokens", defaults.NumVirtualTokens),
            Init = map.Word("prompt_tuning_init", RecipeWords.PromptInitializations, defaults.Init),
            InitText = map.OptionalText("prompt_tuning_init_text"),
            ModulesToSave = Whole(map),
        };
    }

    public static PrefixTuningConfig Prefix(RecipeMap map)
    {
        var defaults = new PrefixTuningConfig();
        return defaults with
        {
            NumVirtualTokens = map.Integer("num_virtual_tokens", defaults.NumVirtualTokens),
            PrefixProjection = map.Truth("prefix_projection", defaults.PrefixProjection),
            EncoderHiddenSize = map.OptionalInteger("encoder_hidden_size"),
            InitZero = !map.IsNone("init_weights") && map.Word("init_weights", ["zero"], "zero") == "zero",
            ModulesToSave = Whole(map),
        };
    }

    /// <summary>A configuration by name (config), and what differs from it.</summary>
    public static BottleneckConfig Bottleneck(RecipeMap map)
    {
        var named = BottleneckConfig.Named(map.Word("config", RecipeWords.Bottlenecks, "pfeiffer", "pfeiffer+inv", "houlsby+inv", "seq_bn_inv", "double_seq_bn_inv", "compacter", "compacter++"));
        bool factors = map.Node("reduction_factor") is YamlMapping;
        string? learned = map.Node("scaling") is YamlScalar { Text: "learned" or "channel" } word ? word.Text : null;
        return named with
        {
            MhAdapter = map.Truth("mh_adapter", named.MhAdapter),
            OutputAdapter = map.Truth("output_adapter", named.OutputAdapter),
            ReductionFactor = factors ? named.ReductionFactor : map.Number("reduction_factor", named.ReductionFactor),
            ReductionFactors = factors ? map.Pairs("reduction_factor", map.NumberOf) : null,
            NonLinearity = map.Text("non_linearity", named.NonLinearity),
            OriginalLnBefore = map.Truth("original_ln_before", named.OriginalLnBefore),
            OriginalLnAfter = map.Truth("original_ln_after", named.OriginalLnAfter),
            LnBefore = map.Truth("ln_before", named.LnBefore),
            LnAfter = map.Truth("ln_after", named.LnAfter),
            ResidualBeforeLn = map.Truth("residual_before_ln", named.ResidualBeforeLn),
            AdapterResidualBeforeLn = map.Truth("adapter_residual_before_ln", named.AdapterResidualBeforeLn),
            InitWeights = map.Word("init_weights", RecipeWords.BottleneckInitializations, named.InitWeights),
            IsParallel = map.Truth("is_parallel", named.IsParallel),
            Scaling = learned is null ? map.Number("scaling", named.Scaling) : 1,
            ScalingKind = learned switch
            {
                "learned" => BottleneckScaling.Learned,
                "channel" => BottleneckScaling.Channel,
                _ => map.Node("scaling") is null ? named.ScalingKind : BottleneckScaling.Constant,
            },
            LeaveOut = map.Integers("leave_out") ?? [],
            Dropout = map.Number("dropout", named.Dropout),
            StochasticDepth = map.Number("stochastic_depth", named.StochasticDepth),
        };
    }

    public static Ia3Config Ia3(RecipeMap map) => new()
    {
        TargetModules = map.Modules("target_modules"),
        ExcludeModules = map.Modules("exclude_modules"),
        FeedforwardModules = map.Modules("feedforward_modules"),
        InitIa3Weights = map.Truth("init_ia3_weights", true),
        ModulesToSave = Whole(map),
    };

    public static BitFitConfig BitFit(RecipeMap map) => new() { AddBiases = map.Truth("add_biases", false), ModulesToSave = Whole(map) };

    private static IReadOnlyList<string>? Whole(RecipeMap map) => map.Names("modules_to_save") is { Count: > 0 } whole ? whole : null;
}
