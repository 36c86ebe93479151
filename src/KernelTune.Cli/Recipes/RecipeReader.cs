using KernelTune.Data;
using System.Globalization;
using KernelTune.Data.Pictures;
using KernelTune.Methods;
using KernelTune.Training.Recipes;
using KernelTune.Training.Schedules;

namespace KernelTune.Cli.Recipes;

/// <summary>Reads a recipe from YAML: strict about keys and types, paths made absolute from the recipe's folder, every rule checked.</summary>
internal static class RecipeReader
{
    private static readonly string[] LaterTasks =
    [
        "seq-classification", "token-classification", "question-answering", "masked-lm", "segmentation", "detection",
        "captioning", "contrastive", "embedding", "ctc",
    ];

    private static readonly string[] LaterMethods =
        ["freeze", "progressive", "ln", "dora", "adalora", "p-tuning"];

    private static readonly string[] LaterFormats =
        ["coco"];

    private static readonly string[] LaterObjectives = ["mlm", "dpo", "kto", "orpo", "distillation", "contrastive"];

    /// <summary>The recipe in <paramref name="path"/> with <paramref name="settings"/> ("lora.r=16") laid over it.</summary>
    /// <exception cref="RecipeException">The file cannot be read, or what it says cannot be done.</exception>
    public static Recipe Read(string path, IEnumerable<string> settings) => Build(YamlTree.Read(path), path, settings);

    /// <summary>The recipe that <paramref name="text"/> holds, as though it stood in the file <paramref name="path"/>.</summary>
    /// <exception cref="RecipeException">The text is not a recipe, or what it says cannot be done.</exception>
    public static Recipe Parse(string text, string path, params IEnumerable<string> settings) => Build(YamlTree.Parse(text, path), path, settings);

    private static Recipe Build(YamlMapping yaml, string path, IEnumerable<string> settings)
    {
        RecipeOverrides.Apply(yaml, settings);
        var paths = new RecipePaths(path);
        var map = new RecipeMap(yaml, "");
        var task = map.Word("task", RecipeWords.Tasks, TaskKind.CausalLm, LaterTasks);
        var method = map.Word("method", RecipeWords.Methods, MethodKind.Lora, LaterMethods);
        if (map.Node("adapter") is YamlMapping block)
            throw map.Wrong("adapter", block, "the folder of an adapter to start from; the settings of method: adapter are those of bottleneck");
        var recipe = new Recipe
        {
            Version = map.Integer("version", Recipe.CurrentVersion),
            Model = map.OptionalText("model") is { } model ? paths.Model(model) : "",
            Init = map.Word("init", RecipeWords.Initializations, Initialization.Pretrained),
            Task = task,
            Method = method,
            Lora = Lora(map.Map("lora")),
            Quantization = Quantization(map),
            Prompt = MethodBlocks.Prompt(map.Map("prompt")),
            Prefix = MethodBlocks.Prefix(map.Map("prefix")),
            Bottleneck = MethodBlocks.Bottleneck(map.Map("bottleneck")),
            Ia3 = MethodBlocks.Ia3(map.Map("ia3")),
            BitFit = MethodBlocks.BitFit(map.Map("bitfit")),
            Adapter = map.OptionalText("adapter") is { } adapter ? paths.Absolute(adapter) : null,
            Tokenizer = Tokenizer(map),
            Head = Head(map),
            Data = Data(map.Map("data"), paths, packs: task != TaskKind.Seq2SeqLm && method is not (MethodKind.Prompt or MethodKind.Prefix)),
            Objective = map.Map("objective").Word("type", RecipeWords.Objectives, ObjectiveKind.Sft, LaterObjectives),
            Optimizer = Optimizer(map.Map("optimizer")),
            Schedule = Schedule(map.Map("schedule")),
            Training = Training(map.Map("training")),
            Evaluation = Evaluation(map.Map("evaluation"), task),
            Checkpoint = Checkpoint(map.Map("checkpoint")),
            Device = map.Text("device", "auto"),
            MemoryLimit = MemoryLimit(map),
            Output = paths.Absolute(map.Text("output", $"runs/{Path.GetFileNameWithoutExtension(path)}")),
        };
        foreach (RecipeProblem problem in RecipeRules.Problems(recipe)) throw new RecipeException(PlaceOf(yaml, problem.Key, path), problem.Key, problem.Text);
        return recipe;
    }

    private static QuantizationSettings? Quantization(RecipeMap recipe)
    {
        if (recipe.IsNone("quantization")) return null;
        RecipeMap map = recipe.Map("quantization");
        var defaults = new QuantizationSettings(BaseStorageKind.Nf4);
        return new QuantizationSettings(map.Word("type", RecipeWords.BaseStorages, defaults.Type, "int8"), map.Truth("double", defaults.IsDouble), map.Integer("block_size", defaults.BlockSize));
    }

    private static TokenizerSettings? Tokenizer(RecipeMap recipe)
    {
        if (recipe.IsNone("tokenizer")) return null;
        RecipeMap map = recipe.Map("tokenizer");
        var defaults = new TokenizerSettings();
        return new TokenizerSettings
        {
            AddTokens = map.Texts("add_tokens"),
            PadToMultipleOf = map.OptionalInteger("pad_to_multiple_of"),
            Init = map.Word("init", TokenizerSettings.Inits, defaults.Init),
        };
    }

    private static LoraSettings Lora(RecipeMap map)
    {
        var defaults = new LoraSettings();
        LoraConfig config = defaults.Config;
        return defaults with
        {
            Config = WithTokens(map, config with
            {
                R = map.Integer("r", config.R),
                LoraAlpha = map.Number("lora_alpha", config.LoraAlpha),
                LoraDropout = map.Number("lora_dropout", config.LoraDropout),
                TargetModules = map.Modules("target_modules") ?? config.TargetModules,
                ExcludeModules = map.Modules("exclude_modules"),
                UseRslora = map.Truth("use_rslora", config.UseRslora),
                RankPattern = map.Pairs("rank_pattern", map.IntegerOf),
                AlphaPattern = map.Pairs("alpha_pattern", map.NumberOf),
                LayersToTransform = map.Integers("layers_to_transform"),
                LayersPattern = map.Names("layers_pattern"),
                Bias = map.Word("bias", RecipeWords.Biases, config.Bias),
                ModulesToSave = map.Names("modules_to_save") is { Count: > 0 } whole ? whole : null,
                InitLoraWeights = map.Word("init_lora_weights", RecipeWords.LoraInitializations, config.InitLoraWeights,
                    "pissa", "olora", "eva", "corda", "loftq", "orthogonal", "lora_ga"),
            }),
            FanInFanOut = map.OptionalTruth("fan_in_fan_out"),
            LoraplusLrRatio = map.OptionalNumber("loraplus_lr_ratio"),
            LoraplusLrEmbedding = map.Number("loraplus_lr_embedding", defaults.LoraplusLrEmbedding),
        };
    }

    // Virtual tokens cannot stand in front of packed sequences, and an encoder reads each by itself: where nothing is said, such a recipe does not pack.
    private static DataSettings Data(RecipeMap map, RecipePaths paths, bool packs)
    {
        var defaults = new DataSettings();
        double? share = map.Node("validation") is YamlScalar { Plain: true } scalar
            && double.TryParse(scalar.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : null;
        return new DataSettings
        {
            Train = Sources(map, "train", paths),
            Validation = share is null ? Sources(map, "validation", paths) : [],
            ValidationShare = share,
            Test = Sources(map, "test", paths),
            Format = map.Word("format", RecipeWords.Formats, defaults.Format, LaterFormats),
            Columns = Columns(map),
            MaxLength = map.Integer("max_length", defaults.MaxLength),
            Packing = map.Truth("packing", packs && defaults.Packing),
            Shuffle = map.Truth("shuffle", defaults.Shuffle),
            Rows = Rows(map, "rows"),
            LossOn = map.Word("loss_on", RecipeWords.Losses, defaults.LossOn),
            Classes = map.Names("classes"),
            Augmentation = Augmentation(map.Map("augmentation")),
        };
    }

    private static PictureAugmentation Augmentation(RecipeMap map) =>
        new() { CropPadding = map.Integer("crop_padding", 0), HorizontalFlip = map.Truth("horizontal_flip", false) };

    // `head: {}` is a new head of the model's own shape; its keys for hidden layers are known and not built.
    private static HeadSettings? Head(RecipeMap map)
    {
        if (map.IsNone("head")) return null;
        _ = map.Map("head");
        return new HeadSettings();
    }

    private static IReadOnlyList<DataFile> Sources(RecipeMap map, string key, RecipePaths paths)
    {
        DataFile One(YamlNode node)
        {
            if (node is not YamlMapping mapping) return new DataFile(paths.Absolute(map.TextOf(key, node)));
            var entry = new RecipeMap(mapping, $"data.{key}", ["path", "weight", "rows", "target"]);
            string file = entry.OptionalText("path") ?? throw map.Wrong(key, node, "path: the file");
            return new DataFile(paths.Absolute(file), entry.Number("weight", 1), Rows(entry, "rows"), entry.OptionalText("target") is { } target ? paths.Absolute(target) : null);
        }

        return map.Node(key) switch
        {
            null or YamlScalar { IsNone: true } => [],
            YamlSequence sequence => [.. sequence.Items.Select(One)],
            var node => [One(node)],
        };
    }

    private static Dictionary<string, string> Columns(RecipeMap map)
    {
        RecipeMap columns = map.Map("columns", ExampleColumns.Names);
        return ExampleColumns.Names.Select(name => (name, column: columns.OptionalText(name))).Where(c => c.column is not null).ToDictionary(c => c.name, c => c.column!, StringComparer.Ordinal);
    }

    private static ExampleRange? Rows(RecipeMap map, string key) => map.Node(key) switch
    {
        null or YamlScalar { IsNone: true } => null,
        YamlScalar scalar when ExampleRange.Parse(scalar.Text) is { } rows => rows,
        var node => throw map.Wrong(key, node, "begin:end, such as 0:120, the end left out and more than the begin"),
    };

    private static OptimizerSettings Optimizer(RecipeMap map)
    {
        var defaults = new OptimizerSettings();
        OptimizerKind type = map.Word("type", RecipeWords.Optimizers, defaults.Type,
            "adafactor", "muon", "adam8bit", "lamb", "rmsprop", "adagrad", "nadam", "radam", "schedule-free");
        (double beta1, double beta2) = map.Node("betas") switch
        {
            null or YamlScalar { IsNone: true } => (defaults.Beta1, type is OptimizerKind.Lion or OptimizerKind.Lion8Bit ? 0.99 : defaults.Beta2),
            YamlSequence { Items: [var first, var second] } => (map.NumberOf("betas", first), map.NumberOf("betas", second)),
            var node => throw map.Wrong("betas", node, "a list of two numbers"),
        };
        return new OptimizerSettings
        {
            Type = type,
            LearningRate = map.Number("learning_rate", defaults.LearningRate),
            WeightDecay = map.Number("weight_decay", defaults.WeightDecay),
            Beta1 = beta1,
            Beta2 = beta2,
            Eps = map.Number("eps", defaults.Eps),
            Momentum = map.Number("momentum", defaults.Momentum),
            Dampening = map.Number("dampening", defaults.Dampening),
            Nesterov = map.Truth("nesterov", defaults.Nesterov),
            Min8BitSize = map.Integer("min_8bit_size", defaults.Min8BitSize),
            Groups = map.Node("groups") switch
            {
                null or YamlScalar { IsNone: true } => [],
                YamlSequence groups => [.. groups.Items.Select(node => Group(map, node))],
                var node => throw map.Wrong("groups", node, "a list of { match: …, learning_rate: … }"),
            },
        };
    }

    private static OptimizerGroup Group(RecipeMap optimizer, YamlNode node)
    {
        if (node is not YamlMapping mapping) throw optimizer.Wrong("groups", node, "{ match: …, learning_rate: …, weight_decay: … }");
        var map = new RecipeMap(mapping, "optimizer.groups", ["match", "learning_rate", "weight_decay"]);
        return new OptimizerGroup(map.Text("match", ""), map.OptionalNumber("learning_rate"), map.OptionalNumber("weight_decay"));
    }

    private static ScheduleSettings Schedule(RecipeMap map)
    {
        ScheduleSettings defaults = new Recipe().Schedule;
        int? steps = map.OptionalInteger("warmup_steps");
        double? ratio = map.OptionalNumber("warmup_ratio");
        if (steps is not null && ratio is not null) throw map.Wrong("warmup_steps", map.Node("warmup_steps")!, "warmup_steps or warmup_ratio, not both");
        string type = map.Word("type", RecipeWords.Schedules, defaults.Type, [.. ScheduleSettings.Types.Except(RecipeWords.Schedules), "one-cycle", "step", "exponential", "plateau"]);
        return new ScheduleSettings
        {
            Type = type,
            WarmupSteps = steps ?? 0,

            // "constant" means what it says: it warms up only where that is asked for.
            WarmupRatio = ratio ?? (steps is null && map.Node("warmup_ratio") is null && type != "constant" ? defaults.WarmupRatio : 0),
        };
    }

    private static ActivationCheckpointing Checkpointing(RecipeMap map)
    {
        const string Key = "activation_checkpointing";
        if (map.IsNone(Key)) return default;
        if (map.Node(Key) is YamlScalar { Text: "blocks" }) return new ActivationCheckpointing(true);
        return map.Node(Key) is YamlScalar scalar && ByteCount.Parse(scalar.Text) is { } bytes && bytes > 0
            ? new ActivationCheckpointing(false, bytes)
            : throw map.Wrong(Key, map.Node(Key)!, "none, blocks, or a budget such as 2GB");
    }

    private static TrainingSettings Training(RecipeMap map)
    {
        var defaults = new TrainingSettings();
        bool auto = map.Node("batch_size") is YamlScalar { Text: "auto" };
        return new TrainingSettings
        {
            NumEpochs = map.Number("num_epochs", defaults.NumEpochs),
            ActivationCheckpointing = Checkpointing(map),
            MaxSteps = map.OptionalInteger("max_steps"),
            BatchSize = auto ? defaults.BatchSize : map.Integer("batch_size", defaults.BatchSize),
            IsBatchSizeAuto = auto,
            GradientAccumulationSteps = map.Integer("gradient_accumulation_steps", defaults.GradientAccumulationSteps),
            MaxGradNorm = map.SaysNone("max_grad_norm") || map.Number("max_grad_norm", defaults.MaxGradNorm!.Value) is 0 ? null : map.Number("max_grad_norm", defaults.MaxGradNorm.Value),
            Precision = map.Word("precision", RecipeWords.Precisions, defaults.Precision, "bf16", "fp16"),
            Seed = map.Long("seed", defaults.Seed),
            EarlyStopping = map.IsNone("early_stopping") ? null : EarlyStopping(map.Map("early_stopping")),
        };
    }

    private static EarlyStopping EarlyStopping(RecipeMap map)
    {
        var defaults = new EarlyStopping();
        return new EarlyStopping(map.Text("metric", defaults.Metric), map.Integer("patience", defaults.Patience));
    }

    private static EvaluationSettings Evaluation(RecipeMap map, TaskKind task)
    {
        IReadOnlyList<string> built = RecipeWords.Metrics(task);
        IReadOnlyList<string> metrics = map.Names("metrics") ?? built;
        foreach (string metric in metrics)
            if (!built.Contains(metric))
                throw new RecipeException(map.Node("metrics")!.Place, "evaluation.metrics", $"found {metric}, this version has {string.Join(", ", built)}");
        return new EvaluationSettings { Every = map.OptionalInteger("every"), Metrics = metrics };
    }

    private static CheckpointSettings Checkpoint(RecipeMap map)
    {
        var defaults = new CheckpointSettings();
        return new CheckpointSettings { Every = map.OptionalInteger("every"), Keep = map.Integer("keep", defaults.Keep) };
    }

    private static long? MemoryLimit(RecipeMap map) => map.Node("memory_limit") switch
    {
        null or YamlScalar { IsNone: true } => null,
        YamlScalar scalar when ByteCount.Parse(scalar.Text) is { } bytes => bytes,
        var node => throw map.Wrong("memory_limit", node, "a size such as 8GB or 512MiB, or none"),
    };

    /// <summary>Where the dotted key was written; failing that its parent's place, failing that the file.</summary>
    // A list of ids of the token table, or a list for each table.
    private static LoraConfig WithTokens(RecipeMap map, LoraConfig config)
    {
        const string Key = "trainable_token_indices";
        return map.Node(Key) is YamlMapping
            ? config with { TrainableTokensByTable = map.Pairs(Key, IReadOnlyList<int> (key, node) => node is YamlSequence ids ? [.. ids.Items.Select(id => map.IntegerOf(key, id))] : throw map.Wrong(Key, node, "a list of whole numbers")) }
            : config with { TrainableTokenIndices = map.Integers(Key) ?? [] };
    }

    private static string PlaceOf(YamlMapping yaml, string key, string file)
    {
        string place = file;
        YamlNode node = yaml;
        foreach (string name in key.Split('.'))
        {
            if ((node as YamlMapping)?.Find(name) is not { } entry) break;
            (node, place) = (entry.Value, entry.Value.Place);
        }
        return place;
    }
}
