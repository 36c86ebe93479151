using KernelTune.Data;
using System.Globalization;
using System.Text.RegularExpressions;
using KernelTune.Methods;
using KernelTune.Training.Schedules;

namespace KernelTune.Training.Recipes;

/// <summary>What the values of a recipe must satisfy, whoever made it.</summary>
public static class RecipeRules
{
    /// <summary>Throws for the first rule that <paramref name="recipe"/> breaks.</summary>
    /// <exception cref="RecipeException">A value is out of its range, or two contradict each other.</exception>
    public static void Check(Recipe recipe)
    {
        foreach (RecipeProblem problem in Problems(recipe)) throw new RecipeException(null, problem.Key, problem.Text);
    }

    /// <summary>The rules that <paramref name="recipe"/> breaks, in the order of its keys.</summary>
    public static IEnumerable<RecipeProblem> Problems(Recipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        if (recipe.Version > Recipe.CurrentVersion) yield return new("version", Text($"found {recipe.Version}, newer than this program's {Recipe.CurrentVersion}"));
        if (recipe.Version < 1) yield return new("version", Text($"found {recipe.Version}, wanted {Recipe.CurrentVersion}"));
        if (recipe.Model.Length == 0) yield return new("model", "missing: a model folder, a .gguf file, or org/name in the Hugging Face cache");
        if (recipe.Output.Length == 0) yield return new("output", "missing: the folder of the run");
        if (!IsDevice(recipe.Device)) yield return new("device", $"found {recipe.Device}, wanted auto, cpu, cuda[:n], opencl[:n], simulated or reference");
        if (recipe.MemoryLimit is <= 0) yield return new("memory_limit", Text($"found {recipe.MemoryLimit}, wanted more than 0 bytes, or none"));
        if (recipe is { Adapter: not null, Method: MethodKind.Full or MethodKind.HeadOnly }) yield return new("adapter", "an adapter to start from needs an adapter's method, such as lora");
        if (recipe is { Init: Initialization.Random, Method: not MethodKind.Full }) yield return new("init", "random weights need method: full: a frozen random base learns nothing");
        if (recipe.Quantization is { } kept)
        {
            if (recipe.Method == MethodKind.Full) yield return new("quantization", "only a frozen base is kept in fewer bits, and method: full trains all of it");
            if (kept.BlockSize is < 32 or > 4096 || (kept.BlockSize & (kept.BlockSize - 1)) != 0) yield return new("quantization.block_size", Text($"found {kept.BlockSize}, wanted a power of two from 32 to 4096"));
        }
        foreach (RecipeProblem problem in OfTokenizer(recipe)) yield return problem;
        foreach (RecipeProblem problem in OfLora(recipe.Lora)) yield return problem;
        foreach (RecipeProblem problem in OfVirtualTokens(recipe)) yield return problem;
        if (Contradiction(recipe.Bottleneck) is { } bottleneck) yield return new("bottleneck", bottleneck);
        if (recipe.Ia3.TargetModules is { Pattern: null, Names.Count: 0 }) yield return new("ia3.target_modules", "found an empty list, wanted names, an expression or all-linear");
        foreach (RecipeProblem problem in OfData(recipe.Data)) yield return problem;
        foreach (RecipeProblem problem in OfTask(recipe)) yield return problem;
        foreach (RecipeProblem problem in OfOptimizer(recipe.Optimizer)) yield return problem;
        foreach (RecipeProblem problem in OfSchedule(recipe.Schedule)) yield return problem;
        foreach (RecipeProblem problem in OfTraining(recipe)) yield return problem;
    }

    private static IEnumerable<RecipeProblem> OfLora(LoraSettings lora)
    {
        LoraConfig config = lora.Config;
        if (config.R < 1) yield return AtLeastOne("lora.r", config.R);
        if (!Positive(config.LoraAlpha)) yield return Bad("lora.lora_alpha", config.LoraAlpha, "a finite number above 0");
        if (!(config.LoraDropout is >= 0 and < 1)) yield return Bad("lora.lora_dropout", config.LoraDropout, "a probability in [0, 1)");
        foreach (var (pattern, rank) in config.RankPattern)
        {
            if (rank < 1) yield return AtLeastOne($"lora.rank_pattern.{pattern}", rank);
            if (BadExpression(pattern) is { } why) yield return new("lora.rank_pattern", why);
        }
        foreach (var (pattern, alpha) in config.AlphaPattern)
        {
            if (!Positive(alpha)) yield return Bad($"lora.alpha_pattern.{pattern}", alpha, "a finite number above 0");
            if (BadExpression(pattern) is { } why) yield return new("lora.alpha_pattern", why);
        }
        if (config.TargetModules is { Pattern: null, Names.Count: 0 }) yield return new("lora.target_modules", "found an empty list, wanted names, an expression or all-linear");
        foreach (int layer in config.LayersToTransform ?? [])
            if (layer < 0)
                yield return new("lora.layers_to_transform", Text($"found {layer}, wanted layers counted from 0"));
        if (lora.LoraplusLrRatio is { } ratio && !Positive(ratio)) yield return Bad("lora.loraplus_lr_ratio", ratio, "a finite number above 0");
        if (!Rate(lora.LoraplusLrEmbedding)) yield return Bad("lora.loraplus_lr_embedding", lora.LoraplusLrEmbedding, "a finite number, 0 or more");
        if (Contradiction(config) is { } text) yield return new("lora", text);
    }

    private static IEnumerable<RecipeProblem> OfTokenizer(Recipe recipe)
    {
        if (recipe.Tokenizer is not { } tokenizer) yield break;
        const string Tokens = "tokenizer.add_tokens";
        if (tokenizer.AddTokens.Count == 0) yield return new(Tokens, "missing: the tokens to add");
        if (tokenizer.AddTokens.Contains("")) yield return new(Tokens, "found an empty token, wanted text");
        if (tokenizer.AddTokens.GroupBy(t => t, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice) yield return new(Tokens, $"found '{twice.Key}' twice, wanted each token once");
        if (tokenizer.PadToMultipleOf is < 1) yield return AtLeastOne("tokenizer.pad_to_multiple_of", tokenizer.PadToMultipleOf.Value);
        if (!TokenizerSettings.Inits.Contains(tokenizer.Init)) yield return new("tokenizer.init", $"found {tokenizer.Init}, wanted {string.Join(", ", TokenizerSettings.Inits)}");
        if (recipe.Task == TaskKind.ImageClassification) yield return new("tokenizer", "pictures have no tokens");
        if (recipe.Method is not (MethodKind.Full or MethodKind.Lora))
            yield return new(Tokens, $"method: {RecipeWords.Of(RecipeWords.Methods, recipe.Method)} would leave new tokens' rows as they begin; full and lora train them");
        if (recipe.Adapter is not null) yield return new(Tokens, "the adapter to start from says which rows train, and new tokens are none of them; it brings its own");
    }

    private static IEnumerable<RecipeProblem> OfVirtualTokens(Recipe recipe)
    {
        if (recipe.Prompt.NumVirtualTokens < 1) yield return AtLeastOne("prompt.num_virtual_tokens", recipe.Prompt.NumVirtualTokens);
        if (recipe.Prompt is { Init: PromptInit.Text, InitText: null or "" }) yield return new("prompt.prompt_tuning_init_text", "missing: prompt_tuning_init is text");
        if (recipe.Prefix.NumVirtualTokens < 1) yield return AtLeastOne("prefix.num_virtual_tokens", recipe.Prefix.NumVirtualTokens);
        if (recipe.Prefix.EncoderHiddenSize is < 1) yield return AtLeastOne("prefix.encoder_hidden_size", recipe.Prefix.EncoderHiddenSize.Value);
        if (recipe is { Method: MethodKind.Prompt or MethodKind.Prefix, Data.Packing: true })
            yield return new("data.packing", $"virtual tokens stand in front of every sequence, so method: {RecipeWords.Of(RecipeWords.Methods, recipe.Method)} needs packing: false");
    }

    private static string? Contradiction(BottleneckConfig config)
    {
        try
        {
            config.Check();
            return null;
        }
        catch (MethodException e)
        {
            return e.Message;
        }
    }

    private static string? Contradiction(LoraConfig config)
    {
        try
        {
            config.Check();
            return config.BeyondPlain(fresh: true) is [var first, ..] ? $"{first} is not built yet in this version" : null;
        }
        catch (MethodException e)
        {
            return e.Message;
        }
    }

    private static IEnumerable<RecipeProblem> OfData(DataSettings data)
    {
        if (data.Train.Count == 0) yield return new("data.train", "missing: the file of training examples");
        foreach (var (key, sources) in ((string, IReadOnlyList<DataFile>)[])[("data.train", data.Train), ("data.validation", data.Validation), ("data.test", data.Test)])
            foreach (DataFile source in sources)
            {
                if (source.Path.Length == 0) yield return new(key, "found an empty path");
                if (!Positive(source.Weight)) yield return Bad(key, source.Weight, "weights above 0");
            }
        if (data.ValidationShare is { } share && !(share is > 0 and < 1)) yield return Bad("data.validation", share, "a share in (0, 1), or a file");
        if (data is { ValidationShare: not null, Validation.Count: > 0 }) yield return new("data.validation", "a share and files exclude each other");
        if (data.MaxLength < 2) yield return new("data.max_length", Text($"found {data.MaxLength}, wanted 2 or more tokens"));
    }

    private static IEnumerable<RecipeProblem> OfTask(Recipe recipe)
    {
        DataSettings data = recipe.Data;
        if (recipe.Task == TaskKind.ImageClassification)
        {
            if (recipe.Method is MethodKind.Prompt or MethodKind.Prefix or MethodKind.Adapter)
                yield return new("method", $"found {RecipeWords.Of(RecipeWords.Methods, recipe.Method)}, which needs sequences of tokens: pictures want full, head-only, lora, ia3 or bitfit");
            if (data.Format is not (ExampleFormat.Auto or ExampleFormat.ImageFolder)) yield return new("data.format", $"found {RecipeWords.Of(RecipeWords.Formats, data.Format)}, pictures want image-folder");
            if (data.LossOn != LossTokens.Default) yield return new("data.loss_on", "pictures have no tokens: it is for task: causal-lm");
            if (data.MaxLength != new DataSettings().MaxLength) yield return new("data.max_length", "pictures have no tokens: it is for task: causal-lm");
            if (data.Rows is not null) yield return new("data.rows", "pictures have no rows: data.classes chooses among folders");
            foreach (var (key, sources) in ((string, IReadOnlyList<DataFile>)[])[("data.train", data.Train), ("data.validation", data.Validation), ("data.test", data.Test)])
                if (sources.Count > 1 || sources.Any(s => s.Weight != 1 || s.Rows is not null))
                    yield return new(key, "pictures come from one folder, without weight and rows");
            if (data.Classes is { Count: < 2 }) yield return new("data.classes", Text($"found {data.Classes.Count}, wanted 2 or more"));
            if (data.Augmentation.CropPadding is < 0 or > 4096) yield return new("data.augmentation.crop_padding", Text($"found {data.Augmentation.CropPadding}, wanted 0 to 4096 pixels"));
            yield break;
        }

        if (recipe.Task == TaskKind.Seq2SeqLm)
        {
            if (data.Packing) yield return new("data.packing", "an encoder reads each prompt by itself, so task: seq2seq-lm needs packing: false");
            if (data.LossOn is not (LossTokens.Default or LossTokens.Completion))
                yield return new("data.loss_on", $"found {RecipeWords.Of(RecipeWords.Losses, data.LossOn)}; the decoder of task: seq2seq-lm says the completion, and its loss is on that");
        }
        if (data.Format == ExampleFormat.ImageFolder) yield return new("data.format", "image-folder is for task: image-classification");
        if (data.Classes is not null) yield return new("data.classes", "classes are for task: image-classification");
        if (!data.Augmentation.IsNone) yield return new("data.augmentation", "changes of pictures are for task: image-classification");
        if (recipe.Head is not null) yield return new("head", "a new head is for task: image-classification; it is not built yet for other tasks");
    }

    private static IEnumerable<RecipeProblem> OfOptimizer(OptimizerSettings optimizer)
    {
        if (!Rate(optimizer.LearningRate)) yield return Bad("optimizer.learning_rate", optimizer.LearningRate, "a finite number, 0 or more");
        if (!Rate(optimizer.WeightDecay)) yield return Bad("optimizer.weight_decay", optimizer.WeightDecay, "a finite number, 0 or more");
        if (!(optimizer.Beta1 is >= 0 and < 1)) yield return Bad("optimizer.betas", optimizer.Beta1, "two numbers in [0, 1)");
        if (!(optimizer.Beta2 is >= 0 and < 1)) yield return Bad("optimizer.betas", optimizer.Beta2, "two numbers in [0, 1)");
        if (!Positive(optimizer.Eps)) yield return Bad("optimizer.eps", optimizer.Eps, "a finite number above 0");
        if (!(optimizer.Momentum is >= 0 and < 1)) yield return Bad("optimizer.momentum", optimizer.Momentum, "a number in [0, 1)");
        if (!(optimizer.Dampening is >= 0 and <= 1)) yield return Bad("optimizer.dampening", optimizer.Dampening, "a number in [0, 1]");
        if (optimizer is { Nesterov: true } and ({ Momentum: 0 } or { Dampening: not 0 })) yield return new("optimizer.nesterov", "it needs a momentum, and no dampening");
        if (optimizer is { Type: OptimizerKind.Sgd8Bit, Momentum: 0 }) yield return new("optimizer.momentum", "found 0: without a momentum SGD keeps no state, and type: sgd takes no more memory");
        if (optimizer is { Type: OptimizerKind.Sgd8Bit, Nesterov: true }) yield return new("optimizer.nesterov", "it is not built for type: sgd8bit");
        if (optimizer.Type is not (OptimizerKind.Sgd or OptimizerKind.Sgd8Bit) && (optimizer.Momentum != 0 || optimizer.Dampening != 0 || optimizer.Nesterov))
            yield return new("optimizer.momentum", "momentum, dampening and nesterov are for type: sgd and sgd8bit");
        if (optimizer.Min8BitSize < 0) yield return new("optimizer.min_8bit_size", Text($"found {optimizer.Min8BitSize}, wanted 0 or more"));
        foreach (OptimizerGroup group in optimizer.Groups)
        {
            if (group.Match.Length == 0) yield return new("optimizer.groups.match", "missing: an expression that finds the group's parameters by name");
            if (BadExpression(group.Match) is { } why) yield return new("optimizer.groups.match", why);
            if (group.LearningRate is { } rate && !Rate(rate)) yield return Bad("optimizer.groups.learning_rate", rate, "a finite number, 0 or more");
            if (group.WeightDecay is { } decay && !Rate(decay)) yield return Bad("optimizer.groups.weight_decay", decay, "a finite number, 0 or more");
        }
    }

    private static IEnumerable<RecipeProblem> OfSchedule(ScheduleSettings schedule)
    {
        if (!RecipeWords.Schedules.Contains(schedule.Type)) yield return new("schedule.type", $"found {schedule.Type}, wanted {string.Join(", ", RecipeWords.Schedules)}");
        if (!(schedule.WarmupRatio is >= 0 and <= 1)) yield return Bad("schedule.warmup_ratio", schedule.WarmupRatio, "a share in [0, 1]");
        if (schedule.WarmupSteps < 0) yield return new("schedule.warmup_steps", Text($"found {schedule.WarmupSteps}, wanted 0 or more"));
    }

    private static IEnumerable<RecipeProblem> OfTraining(Recipe recipe)
    {
        TrainingSettings training = recipe.Training;
        if (!Positive(training.NumEpochs)) yield return Bad("training.num_epochs", training.NumEpochs, "a finite number above 0");
        if (training.MaxSteps is < 1) yield return AtLeastOne("training.max_steps", training.MaxSteps.Value);
        if (training.BatchSize < 1) yield return AtLeastOne("training.batch_size", training.BatchSize);
        if (training.GradientAccumulationSteps < 1) yield return AtLeastOne("training.gradient_accumulation_steps", training.GradientAccumulationSteps);
        if (training.MaxGradNorm is { } norm && !Positive(norm)) yield return Bad("training.max_grad_norm", norm, "a finite number above 0, or none");
        if (training.Seed < 0) yield return new("training.seed", Text($"found {training.Seed}, wanted 0 or more"));
        bool validates = recipe.Data.ValidationShare is not null || recipe.Data.Validation.Count > 0;
        if (training.EarlyStopping is { } stop)
        {
            if (stop.Patience < 1) yield return AtLeastOne("training.early_stopping.patience", stop.Patience);
            if (stop.Metric == "accuracy") yield return new("training.early_stopping.metric", "accuracy is not followed yet in this version; it has loss");
            if (!recipe.Evaluation.Metrics.Contains(stop.Metric))
                yield return new("training.early_stopping.metric", $"found {stop.Metric}, wanted one of evaluation.metrics: {string.Join(", ", recipe.Evaluation.Metrics)}");
            if (!validates) yield return new("training.early_stopping", "it needs data.validation");
        }
        if (recipe.Evaluation.Every is < 1) yield return AtLeastOne("evaluation.every", recipe.Evaluation.Every.Value);
        if (recipe.Checkpoint.Every is < 1) yield return AtLeastOne("checkpoint.every", recipe.Checkpoint.Every.Value);
        if (recipe.Checkpoint.Keep < 1) yield return AtLeastOne("checkpoint.keep", recipe.Checkpoint.Keep);
    }

    private static bool IsDevice(string device)
    {
        int colon = device.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0) return device is "auto" or "cpu" or "reference" or "cuda" or "opencl" or "simulated";
        return device[..colon] is "cuda" or "opencl" && int.TryParse(device[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out _);
    }

    // Comparisons with NaN are false: NaN is refused by both.
    private static bool Positive(double value) => value > 0 && double.IsFinite(value);

    private static bool Rate(double value) => value >= 0 && double.IsFinite(value);

    private static string? BadExpression(string pattern)
    {
        try
        {
            _ = new Regex(pattern, RegexOptions.CultureInvariant);
            return null;
        }
        catch (RegexParseException e)
        {
            return $"'{pattern}' is not a regular expression: {e.Message}";
        }
    }

    private static RecipeProblem AtLeastOne(string key, int found) => new(key, Text($"found {found}, wanted 1 or more"));

    private static RecipeProblem Bad(string key, double found, string wanted) => new(key, Text($"found {found}, wanted {wanted}"));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A rule that a recipe breaks.</summary>
/// <param name="Key">The dotted key.</param>
/// <param name="Text">What was found and what was wanted.</param>
public readonly record struct RecipeProblem(string Key, string Text);
