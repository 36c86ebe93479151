using KernelTune.Data;
using System.Globalization;
using KernelTune.Cli.Recipes;
using KernelTune.Data.Pictures;
using KernelTune.Methods;
using KernelTune.Training.Recipes;
using KernelTune.Training.Schedules;

namespace KernelTune.Cli.Tests.Recipes;

public sealed class RecipeReaderTests
{
    private const string Small = "model: m\ndata: { train: t.jsonl }\n";

    private const string Whole = """
        version: 1
        model: ../models/smollm2
        init: pretrained
        task: causal-lm
        method: lora
        lora:
          r: 4
          lora_alpha: 12.5
          lora_dropout: 0.05
          target_modules: [q_proj, v_proj]
          exclude_modules: '.*layers\.0\..*'
          use_rslora: true
          rank_pattern: { 'layers\.1\..*q_proj': 2, v_proj: 6 }
          alpha_pattern: { v_proj: 3.5 }
          layers_to_transform: [0, 2]
          layers_pattern: layers
          bias: lora_only
          modules_to_save: [lm_head]
          fan_in_fan_out: false
          init_lora_weights: gaussian
          loraplus_lr_ratio: 16
          loraplus_lr_embedding: 1e-5
        adapter: runs/earlier/final
        quantization: { type: nf4, double: true, block_size: 128 }
        data:
          train: [a.jsonl, { path: b.jsonl, weight: 0.5, rows: 10:20 }]
          validation: { path: v.jsonl, rows: 0:16 }
          test: /data/test.jsonl
          format: messages
          max_length: 128
          packing: false
          shuffle: false
          rows: 0:120
          loss_on: assistant
        objective: { type: sft }
        optimizer:
          type: adamw
          learning_rate: 5e-4
          weight_decay: 0.01
          betas: [0.8, 0.95]
          eps: 1e-6
          groups: [{ match: embed, learning_rate: 1e-5 }, { match: 'norm$', weight_decay: 0 }]
        schedule: { type: linear, warmup_steps: 10 }
        training:
          num_epochs: 2.5
          max_steps: 30
          batch_size: 2
          gradient_accumulation_steps: 8
          max_grad_norm: none
          precision: fp32
          activation_checkpointing: 2GB
          seed: 11
          early_stopping: { metric: perplexity, patience: 2 }
        evaluation: { every: 5, metrics: [loss, perplexity] }
        checkpoint: { every: 10, keep: 3 }
        device: cpu
        memory_limit: 8GB
        output: ../runs/x
        """;

    private static Recipe Read(string text, params string[] settings) => RecipeReader.Parse(text, "/home/r/recipe.yaml", settings);

    private static string Message(string text, params string[] settings) => Assert.Throws<RecipeException>(() => Read(text, settings))!.Message;

    [Test]
    public void Model_and_data_are_enough_and_the_rest_are_the_defaults()
    {
        Recipe recipe = Read(Small);
        var defaults = new Recipe();
        Assert.That(recipe.Model, Is.EqualTo("/home/r/m"));
        Assert.That(recipe.Data.Train, Is.EqualTo(new[] { new DataFile("/home/r/t.jsonl") }));
        Assert.That(recipe.Output, Is.EqualTo("/home/r/runs/recipe"));
        Assert.That(RecipeWriter.Write(recipe), Is.EqualTo(RecipeWriter.Write(defaults with
        {
            Model = "/home/r/m", Output = "/home/r/runs/recipe", Data = new DataSettings { Train = [new("/home/r/t.jsonl")] },
        })));
    }

    [Test]
    public void Every_key_is_read()
    {
        Recipe recipe = Read(Whole);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(recipe.Model, Is.EqualTo("/home/models/smollm2"));
            Assert.That(recipe.Adapter, Is.EqualTo("/home/r/runs/earlier/final"));
            Assert.That(recipe.Output, Is.EqualTo("/home/runs/x"));
            Assert.That(recipe.Device, Is.EqualTo("cpu"));
            Assert.That(recipe.MemoryLimit, Is.EqualTo(8_000_000_000));
            Assert.That(recipe.Lora.Config.R, Is.EqualTo(4));
            Assert.That(recipe.Lora.Config.LoraAlpha, Is.EqualTo(12.5));
            Assert.That(recipe.Lora.Config.LoraDropout, Is.EqualTo(0.05));
            Assert.That(recipe.Lora.Config.TargetModules!.Names, Is.EqualTo(new[] { "q_proj", "v_proj" }));
            Assert.That(recipe.Lora.Config.ExcludeModules!.Pattern, Is.EqualTo(@".*layers\.0\..*"));
            Assert.That(recipe.Lora.Config.UseRslora, Is.True);
            Assert.That(recipe.Lora.Config.RankPattern, Is.EqualTo(new KeyValuePair<string, int>[] { new(@"layers\.1\..*q_proj", 2), new("v_proj", 6) }));
            Assert.That(recipe.Lora.Config.AlphaPattern, Is.EqualTo(new KeyValuePair<string, double>[] { new("v_proj", 3.5) }));
            Assert.That(recipe.Lora.Config.LayersToTransform, Is.EqualTo(new[] { 0, 2 }));
            Assert.That(recipe.Lora.Config.LayersPattern, Is.EqualTo(new[] { "layers" }));
            Assert.That(recipe.Lora.Config.Bias, Is.EqualTo(LoraBiasMode.LoraOnly));
            Assert.That(recipe.Lora.Config.ModulesToSave, Is.EqualTo(new[] { "lm_head" }));
            Assert.That(recipe.Lora.FanInFanOut, Is.False);
            Assert.That(recipe.Lora.Config.InitLoraWeights, Is.EqualTo("gaussian"));
            Assert.That(recipe.Lora.LoraplusLrRatio, Is.EqualTo(16));
            Assert.That(recipe.Lora.LoraplusLrEmbedding, Is.EqualTo(1e-5));
            Assert.That(recipe.Data.Train, Is.EqualTo(new[] { new DataFile("/home/r/a.jsonl"), new DataFile("/home/r/b.jsonl", 0.5, new ExampleRange(10, 20)) }));
            Assert.That(recipe.Data.Validation, Is.EqualTo(new[] { new DataFile("/home/r/v.jsonl", 1, new ExampleRange(0, 16)) }));
            Assert.That(recipe.Data.Test, Is.EqualTo(new[] { new DataFile("/data/test.jsonl") }));
            Assert.That(recipe.Data.Format, Is.EqualTo(ExampleFormat.Messages));
            Assert.That(recipe.Data.MaxLength, Is.EqualTo(128));
            Assert.That(recipe.Data.Packing, Is.False);
            Assert.That(recipe.Data.Shuffle, Is.False);
            Assert.That(recipe.Data.Rows, Is.EqualTo(new ExampleRange(0, 120)));
            Assert.That(recipe.Data.LossOn, Is.EqualTo(LossTokens.Assistant));
            Assert.That(recipe.Optimizer.LearningRate, Is.EqualTo(5e-4));
            Assert.That(recipe.Optimizer.WeightDecay, Is.EqualTo(0.01));
            Assert.That((recipe.Optimizer.Beta1, recipe.Optimizer.Beta2, recipe.Optimizer.Eps), Is.EqualTo((0.8, 0.95, 1e-6)));
            Assert.That(recipe.Optimizer.Groups, Is.EqualTo(new[] { new OptimizerGroup("embed", 1e-5), new OptimizerGroup("norm$", null, 0) }));
            Assert.That(recipe.Schedule, Is.EqualTo(new ScheduleSettings { Type = "linear", WarmupSteps = 10 }));
            Assert.That(recipe.Training, Is.EqualTo(new TrainingSettings
            {
                NumEpochs = 2.5,
                ActivationCheckpointing = new ActivationCheckpointing(false, 2_000_000_000), MaxSteps = 30, BatchSize = 2, GradientAccumulationSteps = 8, MaxGradNorm = null, Seed = 11, EarlyStopping = new EarlyStopping("perplexity", 2),
            }));
            Assert.That(recipe.Evaluation.Every, Is.EqualTo(5));
            Assert.That(recipe.Checkpoint, Is.EqualTo(new CheckpointSettings { Every = 10, Keep = 3 }));
        }
    }

    private const string Pictures = """
        model: base
        task: image-classification
        method: head-only
        head: {}
        data:
          train: pictures/train
          validation: pictures/test
          format: image-folder
          classes: [b, a]
          augmentation: { crop_padding: 2, horizontal_flip: true }
        """;

    [Test]
    public void Pictures_are_read()
    {
        Recipe recipe = Read(Pictures);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((recipe.Task, recipe.Method, recipe.Head), Is.EqualTo((TaskKind.ImageClassification, MethodKind.HeadOnly, new HeadSettings())));
            Assert.That(recipe.Data.Train, Is.EqualTo(new[] { new DataFile("/home/r/pictures/train") }));
            Assert.That(recipe.Data.Format, Is.EqualTo(ExampleFormat.ImageFolder));
            Assert.That(recipe.Data.Classes, Is.EqualTo(new[] { "b", "a" }));
            Assert.That(recipe.Data.Augmentation, Is.EqualTo(new PictureAugmentation { CropPadding = 2, HorizontalFlip = true }));
            Assert.That(recipe.Evaluation.Metrics, Is.EqualTo(new[] { "loss", "accuracy" }));
        }
    }

    [TestCase("head: { hidden: [4] }", "head.hidden: not built yet in this version")]
    [TestCase("data: { train: [a, b] }", "data.train: pictures come from one folder, without weight and rows")]
    [TestCase("data: { train: a, classes: [x] }", "data.classes: found 1, wanted 2 or more")]
    [TestCase("data: { train: a, format: text }", "data.format: found text, pictures want image-folder")]
    [TestCase("data: { train: a, augmentation: { crop_padding: -1 } }", "data.augmentation.crop_padding: found -1, wanted 0 to 4096 pixels")]
    [TestCase("data: { train: a }\nevaluation: { metrics: [perplexity] }", "evaluation.metrics: found perplexity, this version has loss, accuracy")]
    public void What_pictures_cannot_do_is_said(string text, string message) =>
        Assert.That(Message($"model: m\ntask: image-classification\nmethod: full\n{(text.StartsWith("data", StringComparison.Ordinal) ? "" : "data: { train: a }\n")}{text}\n"), Does.Contain(message));

    [TestCase("data: { train: a, format: image-folder }", "data.format: image-folder is for task: image-classification")]
    [TestCase("data: { train: a, classes: [x, y] }", "data.classes: classes are for task: image-classification")]
    [TestCase("data: { train: a }\nhead: {}", "head: a new head is for task: image-classification")]
    public void What_is_for_pictures_is_refused_elsewhere(string text, string message) => Assert.That(Message($"model: m\n{text}\n"), Does.Contain(message));

    [TestCase(Small)]
    [TestCase(Whole)]
    [TestCase(Pictures)]
    [TestCase("model: \"a \\\"b\\\" \\u2028: #c\"\ndata: { train: 'x: y' }\nmethod: full\n")]
    public void What_is_written_reads_back_as_it_was(string text)
    {
        string written = RecipeWriter.Write(Read(text));
        Assert.That(RecipeWriter.Write(RecipeReader.Parse(written, "/elsewhere/recipe.yaml")), Is.EqualTo(written));
    }

    [Test]
    public void Every_known_key_is_written()
    {
        // Each method's block is written where the method is the recipe's.
        string written = string.Concat(RecipeWords.Methods.Select(m => RecipeWriter.Write(Read(Whole) with { Method = m.Value }))) + RecipeWriter.Write(Read(Pictures))
            + RecipeWriter.Write(Read("model: m\ndata: { train: t, columns: { " + string.Join(", ", ExampleColumns.Names.Select(n => $"{n}: its_{n}")) + " } }"));
        written += RecipeWriter.Write(Read("model: m\ndata: { train: t }\ntokenizer: { add_tokens: [<a>] }"));
        written += RecipeWriter.Write(Read("model: m\ndata: { train: t }\noptimizer: { type: sgd8bit, momentum: 0.9 }"));
        foreach (string key in RecipeKeys.All)
        {
            string leaf = key[(key.LastIndexOf('.') + 1)..];
            if (leaf == "warmup_ratio" || key == "bottleneck.config") continue;   // the recipe says warmup_steps; what a named configuration holds is spelled out
            Assert.That(written, Does.Match($@"(?m)(^|[ {{,]){leaf}:"), key);
        }
    }

    [Test]
    public void Optimizers_have_their_own_numbers_and_come_back()
    {
        OptimizerSettings Of(string optimizer) => Read($"model: m\ndata: {{ train: t }}\noptimizer: {{ {optimizer} }}").Optimizer;
        Assert.That(Of("type: lion8bit, min_8bit_size: 256") with { Groups = [] }, Is.EqualTo(new OptimizerSettings { Type = OptimizerKind.Lion8Bit, Beta2 = 0.99, Min8BitSize = 256, Groups = [] }), "Lion's own betas");
        Assert.That(Of("type: adamw8bit").Beta2, Is.EqualTo(0.999));
        Recipe sgd = Read("model: m\ndata: { train: t }\noptimizer: { type: sgd, momentum: 0.9, nesterov: true }"), again = RecipeReader.Parse(RecipeWriter.Write(sgd), "/elsewhere/r.yaml");
        Assert.That((again.Optimizer.Type, again.Optimizer.Momentum, again.Optimizer.Dampening, again.Optimizer.Nesterov), Is.EqualTo((OptimizerKind.Sgd, 0.9, 0.0, true)));
        Assert.That(Message("model: m\ndata: { train: t }\noptimizer: { type: adamw_8bit }"), Does.Contain("did you mean adamw8bit?"));
        Assert.That(Message("model: m\ndata: { train: t }\noptimizer: { type: sgd8bit }"), Does.Contain("optimizer.momentum: found 0"));
        Assert.That(Message("model: m\ndata: { train: t }\noptimizer: { momentum: 0.9 }"), Does.Contain("optimizer.momentum: momentum, dampening and nesterov are for type: sgd and sgd8bit"));
    }

    [Test]
    public void A_batch_size_may_be_left_to_the_run_and_a_norm_of_0_is_none()
    {
        Recipe recipe = Read("model: m\ndata: { train: t }\ntraining: { batch_size: auto, max_grad_norm: 0, gradient_accumulation_steps: 1 }");
        Assert.That((recipe.Training.IsBatchSizeAuto, recipe.Training.MaxGradNorm, recipe.Training.ReleasesGradients), Is.EqualTo((true, (double?)null, true)));
        Assert.That(RecipeReader.Parse(RecipeWriter.Write(recipe), "/elsewhere/r.yaml").Training.IsBatchSizeAuto, Is.True);
    }

    [Test]
    public void Tokens_to_add_are_texts_and_come_back()
    {
        const string Before = "model: m\ndata: { train: t }\n";
        Recipe recipe = Read(Before + "tokenizer: { add_tokens: [<a>, \"7\", 'x \"y\"'], pad_to_multiple_of: 64, init: mean }\nlora: { trainable_token_indices: { lm_head: [3, 4], embed_tokens: [3] } }");
        foreach (Recipe one in new[] { recipe, RecipeReader.Parse(RecipeWriter.Write(recipe), "/elsewhere/r.yaml") })
        {
            Assert.That(one.Tokenizer!.AddTokens, Is.EqualTo(new[] { "<a>", "7", "x \"y\"" }));
            Assert.That((one.Tokenizer.PadToMultipleOf, one.Tokenizer.Init), Is.EqualTo((64, "mean")));
            Assert.That(one.Lora.Config.TrainableTokensByTable.Select(t => $"{t.Key}: {string.Join(' ', t.Value)}"), Is.EqualTo(new[] { "lm_head: 3 4", "embed_tokens: 3" }));
        }
        Assert.That((Read(Before).Tokenizer, Read(Before + "tokenizer: { add_tokens: [<a>] }").Tokenizer!.PadToMultipleOf), Is.EqualTo(((TokenizerSettings?)null, (int?)null)));
        foreach (var (block, message) in new[]
        {
            ("{ add_tokens: [<a>, 7] }", "3:32: tokenizer.add_tokens: found 7, wanted text, in quotes where it looks like something else"),
            ("{ add_tokens: [<a>, true] }", "3:32: tokenizer.add_tokens: found true, wanted text, in quotes where it looks like something else"),
            ("{ add_tokens: [[<a>]] }", "3:27: tokenizer.add_tokens: found a list, wanted text, in quotes where it looks like something else"),
            ("{ add_tokens: <a> }", "3:26: tokenizer.add_tokens: found <a>, wanted a list of texts"),
            ("{ add_tokens: [<a>, \"\"] }", "3:26: tokenizer.add_tokens: found an empty token, wanted text"),
            ("{ add_tokens: [<a>, <b>, <a>] }", "3:26: tokenizer.add_tokens: found '<a>' twice, wanted each token once"),
            ("{ add_tokens: [<a>], init: zeros }", "3:39: tokenizer.init: found zeros, wanted mean"),
            ("{ add_tokens: [<a>], pad_to_multiple: 8 }", "did you mean pad_to_multiple_of?"),
            ("{ add_tokens: [<a>] }\nmethod: ia3", "3:26: tokenizer.add_tokens: method: ia3 would leave new tokens' rows as they begin; full and lora train them"),
            ("{ add_tokens: [<a>] }\nadapter: a", "3:26: tokenizer.add_tokens: the adapter to start from says which rows train"),
        })
            Assert.That(Message(Before + "tokenizer: " + block), Does.Contain(message), block);
        Assert.That(Message(Before + "lora: { trainable_token_indices: { lm_head: 3 } }"), Does.Contain("lora.trainable_token_indices: found 3, wanted a list of whole numbers"));
    }

    [Test]
    public void An_org_and_name_stay_as_they_are() => Assert.That(Read("model: HuggingFaceTB/SmolLM2-135M\ndata: { train: t }").Model, Is.EqualTo("HuggingFaceTB/SmolLM2-135M"));

    [Test]
    public void Columns_targets_and_formats_are_read_and_written()
    {
        Recipe recipe = Read("model: m\ndata: { train: [{ path: a.en, target: a.de }, b.csv], format: alpaca, columns: { instruction: frage, output: 'die antwort' } }");
        Assert.That(recipe.Data.Train, Is.EqualTo(new[] { new DataFile("/home/r/a.en", Target: "/home/r/a.de"), new DataFile("/home/r/b.csv") }));
        Assert.That(recipe.Data.Format, Is.EqualTo(ExampleFormat.Instruction));
        Assert.That(recipe.Data.Columns, Is.EqualTo(new Dictionary<string, string> { ["instruction"] = "frage", ["output"] = "die antwort" }));
        Assert.That(RecipeReader.Parse(RecipeWriter.Write(recipe), "/elsewhere/r.yaml").Data.Columns, Is.EqualTo(recipe.Data.Columns));
        Assert.That(Message("model: m\ndata: { train: t, columns: { body: x } }"), Does.Contain("data.columns.body: unknown key; it has text, "));
    }

    [TestCase("lora.r=16", 16, 2e-4)]
    [TestCase("optimizer.learning_rate=1e-3", 8, 1e-3)]
    public void A_setting_of_the_command_line_wins(string setting, int rank, double rate)
    {
        Recipe recipe = Read(Small, setting);
        Assert.That((recipe.Lora.Config.R, recipe.Optimizer.LearningRate), Is.EqualTo((rank, rate)));
    }

    [Test]
    public void Settings_take_lists_mappings_and_nothing()
    {
        Recipe recipe = Read(Whole, "lora.target_modules=[k_proj]", "lora.rank_pattern={k_proj: 3}", "training.early_stopping=none", "data.train=/x.jsonl", "lora.r=1", "lora.r=2");
        Assert.That(recipe.Lora.Config.TargetModules!.Names, Is.EqualTo(new[] { "k_proj" }));
        Assert.That(recipe.Lora.Config.RankPattern, Is.EqualTo(new KeyValuePair<string, int>[] { new("k_proj", 3) }));
        Assert.That(recipe.Training.EarlyStopping, Is.Null);
        Assert.That(recipe.Data.Train, Is.EqualTo(new[] { new DataFile("/x.jsonl") }));
        Assert.That(recipe.Lora.Config.R, Is.EqualTo(2));
    }

    [TestCase("lora.r", "command line: found 'lora.r', wanted key=value")]
    [TestCase("lora..r=3", "command line: found the key 'lora..r', wanted names with dots between")]
    [TestCase("lora.rr=3", "command line: lora.rr: unknown key; did you mean r?")]
    [TestCase("model.path=3", "command line: model.path: model is a value at /home/r/recipe.yaml:1:8, it has no keys")]
    [TestCase("lora.r=0", "command line: lora.r: found 0, wanted 1 or more")]
    [TestCase("lora.r=[", "command line: not YAML: ")]
    public void A_bad_setting_is_named(string setting, string message) => Assert.That(Message(Small, setting), Does.StartWith(message));

    [TestCase("modle: m\n", "/home/r/recipe.yaml:1:1: modle: unknown key; did you mean model?")]
    [TestCase(Small + "optimizer:\n  lerning_rate: 1\n", "/home/r/recipe.yaml:4:3: optimizer.lerning_rate: unknown key; did you mean learning_rate?")]
    [TestCase(Small + "learning_rate: 1\n", "/home/r/recipe.yaml:3:1: learning_rate: unknown key: it belongs at optimizer.learning_rate")]
    [TestCase(Small + "lr_rate: 1\n", "/home/r/recipe.yaml:3:1: lr_rate: unknown key; a recipe has version, model, init, task, method, adapter, tokenizer, device, memory_limit, output, lora, quantization, prompt, prefix, bottleneck, ia3, bitfit, data, ")]
    [TestCase("data: { train: { path: t, row: 0:3 } }\n", "/home/r/recipe.yaml:1:27: data.train.row: unknown key; it has path, weight, rows")]
    [TestCase(Small + "quantization: { type: int8 }\n", "/home/r/recipe.yaml:3:23: quantization.type: int8 is not built yet in this version")]
    [TestCase(Small + "lora: { use_dora: true }\n", "/home/r/recipe.yaml:3:9: lora.use_dora: not built yet in this version")]
    [TestCase(Small + "method: dora\n", "/home/r/recipe.yaml:3:9: method: dora is not built yet in this version; it has full, ")]
    [TestCase(Small + "method: lroa\n", "/home/r/recipe.yaml:3:9: method: found lroa, wanted full, ")]
    [TestCase(Small + "task: masked-lm\n", "/home/r/recipe.yaml:3:7: task: masked-lm is not built yet in this version; it has causal-lm")]
    [TestCase(Small + "training: { precision: bf16 }\n", "/home/r/recipe.yaml:3:24: training.precision: bf16 is not built yet in this version; it has fp32")]
    [TestCase(Small + "training: { batch_size: most }\n", "/home/r/recipe.yaml:3:25: training.batch_size: found most, wanted a whole number")]
    [TestCase(Small + "training: { activation_checkpointing: layers }\n", "/home/r/recipe.yaml:3:39: training.activation_checkpointing: found layers, wanted none, blocks, or a budget such as 2GB")]
    [TestCase(Small + "micro_batch_size: 2\n", "/home/r/recipe.yaml:3:1: micro_batch_size: unknown key: axolotl's name for training.batch_size")]
    [TestCase(Small + "finetuning_type: lora\n", "/home/r/recipe.yaml:3:1: finetuning_type: unknown key: LLaMA-Factory's name for method")]
    [TestCase(Small + "training: { per_device_train_batch_size: 2 }\n",
        "/home/r/recipe.yaml:3:13: training.per_device_train_batch_size: unknown key: TRL and LLaMA-Factory's name for training.batch_size")]
    [TestCase(Small + "load_in_4bit: true\n", "/home/r/recipe.yaml:3:1: load_in_4bit: unknown key: axolotl and TRL's name for quantization")]
    public void A_key_that_cannot_be_is_explained(string text, string message) => Assert.That(Message(text), Does.StartWith(message));

    [TestCase("optimizer: { learning_rate: .nan }", "5:29: optimizer.learning_rate: found .nan, wanted a finite number")]
    [TestCase("optimizer: { learning_rate: NaN }", "5:29: optimizer.learning_rate: found NaN, wanted a finite number")]
    [TestCase("optimizer: { learning_rate: .inf }", "5:29: optimizer.learning_rate: found .inf, wanted a finite number")]
    [TestCase("optimizer: { learning_rate: 1e400 }", "5:29: optimizer.learning_rate: found 1e400, wanted a finite number")]
    [TestCase("optimizer: { learning_rate: -1e-4 }", "5:29: optimizer.learning_rate: found -0.0001, wanted a finite number, 0 or more")]
    [TestCase("optimizer: { learning_rate: fast }", "5:29: optimizer.learning_rate: found fast, wanted a number")]
    [TestCase("optimizer: { learning_rate: '1e-4' }", "5:29: optimizer.learning_rate: found the text \"1e-4\", wanted a number")]
    [TestCase("optimizer: { betas: 0.9 }", "5:21: optimizer.betas: found 0.9, wanted a list of two numbers")]
    [TestCase("training: { batch_size: 0 }", "5:25: training.batch_size: found 0, wanted 1 or more")]
    [TestCase("training: { batch_size: 1.5 }", "5:25: training.batch_size: found 1.5, wanted a whole number")]
    [TestCase("training: { batch_size: 99999999999 }", "5:25: training.batch_size: found 99999999999, wanted a whole number")]
    [TestCase("training: { batch_size: }", "5:25: training.batch_size: found nothing, wanted a whole number")]
    [TestCase("lora: { r: 0 }", "5:12: lora.r: found 0, wanted 1 or more")]
    [TestCase("lora: { r: -2 }", "5:12: lora.r: found -2, wanted 1 or more")]
    [TestCase("lora: { use_rslora: yes }", "5:21: lora.use_rslora: found yes, wanted true or false")]
    [TestCase("lora: { target_modules: [] }", "5:25: lora.target_modules: found an empty list, wanted names, an expression or all-linear")]
    [TestCase("lora: 8", "5:7: lora: found 8, wanted keys: r, lora_alpha, ")]
    [TestCase("version: 2", "5:10: version: found 2, newer than this program's 1")]
    [TestCase("memory_limit: plenty", "5:15: memory_limit: found plenty, wanted a size such as 8GB or 512MiB, or none")]
    [TestCase("evaluation: { metrics: [bleu] }", "5:24: evaluation.metrics: found bleu, this version has loss, perplexity")]
    public void A_value_that_cannot_be_is_explained(string line, string message) =>
        Assert.That(Message($"# a recipe\nmodel: m\ndata:\n  train: t\n{line}\n"), Does.StartWith("/home/r/recipe.yaml:" + message));

    [TestCase("", "/home/r/recipe.yaml: empty, wanted a recipe: model: … and data: { train: … }")]
    [TestCase("- a\n", "/home/r/recipe.yaml:1:1: wanted keys and values: model: …")]
    [TestCase("model: a\nmodel: b\n", "/home/r/recipe.yaml:2:1: model: given twice, first at /home/r/recipe.yaml:1:1")]
    [TestCase("model: &m a\n", "/home/r/recipe.yaml:1:8: an anchor, &m: recipes have none")]
    [TestCase("model: *m\n", "/home/r/recipe.yaml:1:8: an alias, *m: recipes have none")]
    [TestCase("model: !!str a\n", "/home/r/recipe.yaml:1:8: a tag, tag:yaml.org,2002:str: recipes have none")]
    [TestCase("model: a\n---\nmodel: b\n", "/home/r/recipe.yaml:2:1: a second document: a recipe is one")]
    [TestCase("model: [a\n", "/home/r/recipe.yaml:2:1: not YAML: ")]
    [TestCase("data: { train: t }\n", "/home/r/recipe.yaml: model: missing: a model folder, a .gguf file, or org/name in the Hugging Face cache")]
    [TestCase("model: m\n", "/home/r/recipe.yaml: data.train: missing: the file of training examples")]
    public void A_document_that_is_no_recipe_is_refused(string text, string message) => Assert.That(Message(text), Does.StartWith(message));

    [Test]
    public void Deep_nesting_is_refused() => Assert.That(Message("model: " + new string('[', 500) + new string(']', 500)), Does.EndWith("nested more than 32 deep"));

    [Test]
    public void A_missing_file_and_bad_bytes_are_named()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        Assert.That(() => RecipeReader.Read(path, []), Throws.TypeOf<RecipeException>().With.Message.EqualTo($"{path}: no such file"));
        Assert.That(() => RecipeReader.Read(Path.GetTempPath(), []), Throws.TypeOf<RecipeException>().With.Message.EndsWith(": a folder, wanted a recipe file"));
        File.WriteAllBytes(path, [(byte)'m', 0xff]);
        Assert.That(() => RecipeReader.Read(path, []), Throws.TypeOf<RecipeException>().With.Message.EqualTo($"{path}: byte 1 is not UTF-8"));
        File.Delete(path);
    }

    [Test]
    public void Fault_52_a_locale_with_decimal_commas_changes_nothing()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        var commas = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        commas.NumberFormat.NumberDecimalSeparator = ",";
        commas.NumberFormat.NegativeSign = "~";
        string expected = RecipeWriter.Write(Read(Whole));
        try
        {
            CultureInfo.CurrentCulture = commas;
            Assert.That(RecipeWriter.Write(Read(Whole)), Is.EqualTo(expected));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [TestCase("8GB", 8_000_000_000)]
    [TestCase("512MiB", 536_870_912)]
    [TestCase("1.5 gb", 1_500_000_000)]
    [TestCase("4096", 4096)]
    [TestCase("GB", null)]
    [TestCase("-1GB", null)]
    [TestCase("1e9", null)]
    public void Sizes_have_units(string text, long? bytes) => Assert.That(ByteCount.Parse(text), Is.EqualTo(bytes));
}
