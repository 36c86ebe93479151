using KernelTune.Data;
using System.Globalization;
using System.Text;
using KernelTune.Methods;

namespace KernelTune.Training.Recipes;

/// <summary>Writes a recipe as YAML with every value spelled out: what a run's folder keeps, and what reproduces the run.</summary>
public static class RecipeWriter
{
    /// <summary>The YAML of <paramref name="recipe"/>, '\n' between lines; reading it gives the same recipe.</summary>
    public static string Write(Recipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        var yaml = new StringBuilder();
        void Line(string key, string? value) => yaml.Append(key).Append(": ").Append(value ?? "none").Append('\n');

        Line("version", Number(recipe.Version));
        Line("model", Scalar(recipe.Model));
        Line("init", RecipeWords.Of(RecipeWords.Initializations, recipe.Init));
        Line("task", RecipeWords.Of(RecipeWords.Tasks, recipe.Task));
        Line("method", RecipeWords.Of(RecipeWords.Methods, recipe.Method));
        if (recipe.Method == MethodKind.Lora)
        {
            yaml.Append("lora:\n");
            WriteLora(recipe.Lora, (key, value) => Line("  " + key, value));
        }
        else if (RecipeMethodLines.Of(recipe) is { } block)
        {
            yaml.Append(block.Name).Append(":\n");
            foreach (var (key, value) in block.Lines) Line("  " + key, value);
        }
        Line("quantization", recipe.Quantization is not { } quantization ? null : $"{{ type: {RecipeWords.Of(RecipeWords.BaseStorages, quantization.Type)}, double: {Truth(quantization.IsDouble)}, block_size: {Number(quantization.BlockSize)} }}");
        Line("adapter", Optional(recipe.Adapter));

        if (recipe.Tokenizer is { } tokenizer)
            Line("tokenizer", $"{{ add_tokens: [{string.Join(", ", tokenizer.AddTokens.Select(Quoted))}], pad_to_multiple_of: {Optional(tokenizer.PadToMultipleOf) ?? "none"}, init: {tokenizer.Init} }}");
        if (recipe.Head is not null) Line("head", "{}");

        DataSettings data = recipe.Data;
        yaml.Append("data:\n");
        Line("  train", Sources(data.Train));
        Line("  validation", data.ValidationShare is { } share ? Number(share) : Sources(data.Validation));
        Line("  test", Sources(data.Test));
        Line("  format", RecipeWords.Of(RecipeWords.Formats, data.Format));
        if (data.Columns.Count > 0) Line("  columns", "{ " + string.Join(", ", data.Columns.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{Scalar(c.Key)}: {Scalar(c.Value)}")) + " }");
        Line("  max_length", Number(data.MaxLength));
        Line("  packing", Truth(data.Packing));
        Line("  shuffle", Truth(data.Shuffle));
        Line("  rows", data.Rows?.ToString() is { } rows ? Quoted(rows) : null);
        Line("  loss_on", RecipeWords.Of(RecipeWords.Losses, data.LossOn));
        if (recipe.Task == TaskKind.ImageClassification)
        {
            Line("  classes", data.Classes is { } classes ? List(classes) : null);
            Line("  augmentation", $"{{ crop_padding: {Number(data.Augmentation.CropPadding)}, horizontal_flip: {Truth(data.Augmentation.HorizontalFlip)} }}");
        }

        Line("objective", $"{{ type: {RecipeWords.Of(RecipeWords.Objectives, recipe.Objective)} }}");

        OptimizerSettings optimizer = recipe.Optimizer;
        yaml.Append("optimizer:\n");
        Line("  type", RecipeWords.Of(RecipeWords.Optimizers, optimizer.Type));
        Line("  learning_rate", Number(optimizer.LearningRate));
        Line("  weight_decay", Number(optimizer.WeightDecay));
        Line("  betas", $"[{Number(optimizer.Beta1)}, {Number(optimizer.Beta2)}]");
        Line("  eps", Number(optimizer.Eps));
        if (optimizer.Type is OptimizerKind.Sgd or OptimizerKind.Sgd8Bit)
        {
            Line("  momentum", Number(optimizer.Momentum));
            Line("  dampening", Number(optimizer.Dampening));
            Line("  nesterov", Truth(optimizer.Nesterov));
        }
        if (optimizer.Type is OptimizerKind.AdamW8Bit or OptimizerKind.Lion8Bit or OptimizerKind.Sgd8Bit) Line("  min_8bit_size", Number(optimizer.Min8BitSize));
        Line("  groups", "[" + string.Join(", ", optimizer.Groups.Select(Group)) + "]");

        yaml.Append("schedule:\n");
        Line("  type", recipe.Schedule.Type);
        if (recipe.Schedule.WarmupSteps > 0) Line("  warmup_steps", Number(recipe.Schedule.WarmupSteps));
        else Line("  warmup_ratio", Number(recipe.Schedule.WarmupRatio));

        TrainingSettings training = recipe.Training;
        yaml.Append("training:\n");
        Line("  num_epochs", Number(training.NumEpochs));
        Line("  max_steps", Optional(training.MaxSteps));
        Line("  batch_size", training.IsBatchSizeAuto ? "auto" : Number(training.BatchSize));
        Line("  gradient_accumulation_steps", Number(training.GradientAccumulationSteps));
        Line("  max_grad_norm", Optional(training.MaxGradNorm));
        Line("  precision", RecipeWords.Of(RecipeWords.Precisions, training.Precision));
        ActivationCheckpointing recomputed = training.ActivationCheckpointing;
        Line("  activation_checkpointing", recomputed.Blocks ? "blocks" : recomputed.Budget?.ToString(CultureInfo.InvariantCulture));
        Line("  seed", training.Seed.ToString(CultureInfo.InvariantCulture));
        Line("  early_stopping", training.EarlyStopping is { } stop ? $"{{ metric: {Scalar(stop.Metric)}, patience: {Number(stop.Patience)} }}" : null);

        Line("evaluation", $"{{ every: {Optional(recipe.Evaluation.Every) ?? "none"}, metrics: {List(recipe.Evaluation.Metrics)} }}");
        Line("checkpoint", $"{{ every: {Optional(recipe.Checkpoint.Every) ?? "none"}, keep: {Number(recipe.Checkpoint.Keep)} }}");
        Line("device", Scalar(recipe.Device));
        Line("memory_limit", recipe.MemoryLimit?.ToString(CultureInfo.InvariantCulture));
        Line("output", Scalar(recipe.Output));
        return yaml.ToString();
    }

    private static void WriteLora(LoraSettings lora, Action<string, string?> line)
    {
        LoraConfig config = lora.Config;
        line("r", Number(config.R));
        line("lora_alpha", Number(config.LoraAlpha));
        line("lora_dropout", Number(config.LoraDropout));
        line("target_modules", config.TargetModules is { } targets ? Modules(targets) : null);
        line("exclude_modules", config.ExcludeModules is { } excluded ? Modules(excluded) : null);
        line("use_rslora", Truth(config.UseRslora));
        line("rank_pattern", "{" + string.Join(", ", config.RankPattern.Select(p => $"{Quoted(p.Key)}: {Number(p.Value)}")) + "}");
        line("alpha_pattern", "{" + string.Join(", ", config.AlphaPattern.Select(p => $"{Quoted(p.Key)}: {Number(p.Value)}")) + "}");
        line("layers_to_transform", config.LayersToTransform is { } layers ? "[" + string.Join(", ", layers.Select(l => Number(l))) + "]" : null);
        line("layers_pattern", config.LayersPattern is { } patterns ? List(patterns) : null);
        line("bias", RecipeWords.Of(RecipeWords.Biases, config.Bias));
        line("modules_to_save", List(config.ModulesToSave ?? []));
        line("trainable_token_indices", config.TrainableTokenIndices is { Count: > 0 } tokens ? Numbers(tokens)
            : config.TrainableTokensByTable is { Count: > 0 } tables ? "{ " + string.Join(", ", tables.Select(t => $"{Quoted(t.Key)}: {Numbers(t.Value)}")) + " }" : null);
        line("fan_in_fan_out", lora.FanInFanOut is { } fan ? Truth(fan) : null);
        line("init_lora_weights", config.InitLoraWeights);
        line("loraplus_lr_ratio", Optional(lora.LoraplusLrRatio));
        line("loraplus_lr_embedding", Number(lora.LoraplusLrEmbedding));
    }

    internal static string Modules(ModuleSelection modules) => modules.Pattern is { } pattern ? Scalar(pattern) : List(modules.Names);

    internal static string List(IReadOnlyList<string> names) => "[" + string.Join(", ", names.Select(Scalar)) + "]";

    private static string Numbers(IReadOnlyList<int> numbers) => "[" + string.Join(", ", numbers.Select(n => Number(n))) + "]";

    private static string? Sources(IReadOnlyList<DataFile> sources) => sources switch
    {
        [] => null,
        [{ Weight: 1, Rows: null, Target: null } only] => Scalar(only.Path),
        _ => "[" + string.Join(", ", sources.Select(s => $"{{ path: {Scalar(s.Path)}, weight: {Number(s.Weight)}, rows: {(s.Rows is { } rows ? Quoted(rows.ToString()) : "none")}{(s.Target is { } target ? $", target: {Scalar(target)}" : "")} }}")) + "]",
    };

    private static string Group(OptimizerGroup group) =>
        $"{{ match: {Quoted(group.Match)}, learning_rate: {Optional(group.LearningRate) ?? "none"}, weight_decay: {Optional(group.WeightDecay) ?? "none"} }}";

    internal static string Truth(bool value) => value ? "true" : "false";

    internal static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    // The shortest text that reads back as the same double.
    internal static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    internal static string? Optional(int? value) => value?.ToString(CultureInfo.InvariantCulture);

    private static string? Optional(double? value) => value?.ToString("R", CultureInfo.InvariantCulture);

    private static string? Optional(string? value) => value is null ? null : Scalar(value);

    /// <summary>Plain where plain text cannot be mistaken for anything else, else quoted.</summary>
    internal static string Scalar(string text)
    {
        bool plain = text.Length > 0 && (char.IsAsciiLetter(text[0]) || text[0] is '/' or '_')
            && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '_' or '-' or '.')
            && text is not ("true" or "false" or "null" or "none" or "yes" or "no" or "on" or "off");
        return plain ? text : Quoted(text);
    }

    internal static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char c in text)
        {
            if (c is '"' or '\\') quoted.Append('\\').Append(c);
            else if (c < ' ' || c is >= '\x7f' and < '\xa0' or '\u2028' or '\u2029' or '\ufeff')
                quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else quoted.Append(c);
        }
        return quoted.Append('"').ToString();
    }
}
