using KernelTune.Methods;

namespace KernelTune.Training.Recipes;

/// <summary>The block of a recipe's method, every value spelled out.</summary>
internal static class RecipeMethodLines
{
    /// <summary>The block's key and its lines; null for a method without settings.</summary>
    public static (string Name, IEnumerable<(string Key, string? Value)> Lines)? Of(Recipe recipe) => recipe.Method switch
    {
        MethodKind.Prompt => ("prompt", Prompt(recipe.Prompt)),
        MethodKind.Prefix => ("prefix", Prefix(recipe.Prefix)),
        MethodKind.Adapter => ("bottleneck", Bottleneck(recipe.Bottleneck)),
        MethodKind.Ia3 => ("ia3", Ia3(recipe.Ia3)),
        MethodKind.BitFit => ("bitfit", [("add_biases", RecipeWriter.Truth(recipe.BitFit.AddBiases)), ("modules_to_save", RecipeWriter.List(recipe.BitFit.ModulesToSave ?? []))]),
        _ => null,
    };

    private static IEnumerable<(string Key, string? Value)> Prompt(PromptTuningConfig config) =>
    [
        ("num_virtual_tokens", RecipeWriter.Number(config.NumVirtualTokens)),
        ("prompt_tuning_init", RecipeWords.Of(RecipeWords.PromptInitializations, config.Init)),
        ("prompt_tuning_init_text", config.InitText is { } text ? RecipeWriter.Quoted(text) : null),
        ("modules_to_save", RecipeWriter.List(config.ModulesToSave ?? [])),
    ];

    private static IEnumerable<(string Key, string? Value)> Prefix(PrefixTuningConfig config) =>
    [
        ("num_virtual_tokens", RecipeWriter.Number(config.NumVirtualTokens)),
        ("prefix_projection", RecipeWriter.Truth(config.PrefixProjection)),
        ("encoder_hidden_size", RecipeWriter.Optional(config.EncoderHiddenSize)),
        ("init_weights", config.InitZero ? "zero" : null),
        ("modules_to_save", RecipeWriter.List(config.ModulesToSave ?? [])),
    ];

    private static IEnumerable<(string Key, string? Value)> Bottleneck(BottleneckConfig config) =>
    [
        ("mh_adapter", RecipeWriter.Truth(config.MhAdapter)),
        ("output_adapter", RecipeWriter.Truth(config.OutputAdapter)),
        ("reduction_factor", config.ReductionFactors is { } factors
            ? "{" + string.Join(", ", factors.Select(f => $"{RecipeWriter.Quoted(f.Key)}: {RecipeWriter.Number(f.Value)}")) + "}"
            : RecipeWriter.Number(config.ReductionFactor)),
        ("non_linearity", RecipeWriter.Scalar(config.NonLinearity)),
        ("original_ln_before", RecipeWriter.Truth(config.OriginalLnBefore)),
        ("original_ln_after", RecipeWriter.Truth(config.OriginalLnAfter)),
        ("ln_before", RecipeWriter.Truth(config.LnBefore)),
        ("ln_after", RecipeWriter.Truth(config.LnAfter)),
        ("residual_before_ln", RecipeWriter.Truth(config.ResidualBeforeLn)),
        ("adapter_residual_before_ln", RecipeWriter.Truth(config.AdapterResidualBeforeLn)),
        ("init_weights", config.InitWeights),
        ("is_parallel", RecipeWriter.Truth(config.IsParallel)),
        ("scaling", config.ScalingKind switch { BottleneckScaling.Learned => "learned", BottleneckScaling.Channel => "channel", _ => RecipeWriter.Number(config.Scaling) }),
        ("leave_out", "[" + string.Join(", ", config.LeaveOut.Select(n => RecipeWriter.Number(n))) + "]"),
        ("dropout", RecipeWriter.Number(config.Dropout)),
        ("stochastic_depth", RecipeWriter.Number(config.StochasticDepth)),
    ];

    private static IEnumerable<(string Key, string? Value)> Ia3(Ia3Config config) =>
    [
        ("target_modules", config.TargetModules is { } targets ? RecipeWriter.Modules(targets) : null),
        ("exclude_modules", config.ExcludeModules is { } excluded ? RecipeWriter.Modules(excluded) : null),
        ("feedforward_modules", config.FeedforwardModules is { } inner ? RecipeWriter.Modules(inner) : null),
        ("init_ia3_weights", RecipeWriter.Truth(config.InitIa3Weights)),
        ("modules_to_save", RecipeWriter.List(config.ModulesToSave ?? [])),
    ];
}
