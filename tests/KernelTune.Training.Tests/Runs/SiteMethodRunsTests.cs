using KernelTune.Data;
using KernelTune.Checkpoints;
using KernelTune.Devices.Cpu;
using KernelTune.Methods;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Training.Tests.Runs;

/// <summary>Adapters that are not LoRA's, from a recipe to their use: judged, asked, merged, trained further, and refused where they do not fit.</summary>
public sealed class SiteMethodRunsTests
{
    private static readonly MethodKind[] Methods = [MethodKind.Prompt, MethodKind.Prefix, MethodKind.Adapter, MethodKind.Ia3, MethodKind.BitFit];

    private TinyWorld world = null!;
    private CpuDevice device = null!;

    [SetUp]
    public void SetUp() => (world, device) = (new TinyWorld(), new CpuDevice(1));

    [TearDown]
    public void TearDown()
    {
        Assert.That(device.Outstanding, Is.Zero, "device bytes after the test");
        device.Dispose();
        world.Dispose();
    }

    [TestCaseSource(nameof(Methods))]
    public void It_is_judged_as_the_run_judged_it_and_answers(MethodKind method)
    {
        var (recipe, result) = Trained(method);
        string adapter = Path.Combine(recipe.Output, "final");
        var judged = EvaluateRun.SideBySide(new EvaluateRequest(recipe.Model, adapter, recipe.Data.Validation, recipe.Data), device);
        Assert.That(judged[1].Loss.Mean, Is.EqualTo(result.LastEvaluation));
        Assert.That(judged[1].Loss.Mean, Is.LessThan(judged[0].Loss.Mean));

        Assert.That(LoadedModel.Find(adapter, null), Is.EqualTo((world.Model, adapter)));
        using var loaded = LoadedModel.Open(recipe.Model, adapter, device, note => Assert.Fail(note));
        using var run = new GenerateRun(loaded, GenerateRun.Defaults(loaded, []));
        int[][] prompts = [loaded.Text.Tokenizer.EncodeIds("a longer question?"), loaded.Text.Tokenizer.EncodeIds("left?")];
        var together = run.Answer(prompts);
        Assert.That(run.Answer([prompts[1]])[0].Tokens, Is.EqualTo(together[1].Tokens), "alone and in a batch");
    }

    [TestCaseSource(nameof(Methods))]
    public void Another_run_starts_where_it_ended(MethodKind method)
    {
        var (recipe, result) = Trained(method);
        var (second, _) = Drive.Train(recipe with { Output = world["next"], Adapter = Path.Combine(recipe.Output, "final") }, device);
        Assert.That(second.FirstEvaluation, Is.EqualTo(result.LastEvaluation!.Value).Within(1e-6));
    }

    [TestCase(MethodKind.Ia3)]
    [TestCase(MethodKind.BitFit)]
    public void It_is_merged(MethodKind method)
    {
        var (recipe, _) = Trained(method);
        var (_, drift) = Merging.Run(world.Model, Path.Combine(recipe.Output, "final"), world["merged"], device);
        Assert.That(drift.Most, Is.LessThan(1e-4));
        using var folder = HuggingFaceFolder.Open(world["merged"]);
        bool biases = method == MethodKind.BitFit;
        Assert.That((folder.Config.Bool("attention_bias", false), folder.Config.Bool("mlp_bias", false)), Is.EqualTo((biases, biases)));
        Assert.That(folder.Weights.TryGet("model.layers.1.mlp.down_proj.bias", out _), Is.EqualTo(biases));
    }

    [TestCase(MethodKind.Adapter, "a bottleneck adapter has an activation between its two projections and cannot be merged into the base's weights")]
    [TestCase(MethodKind.Prompt, "a soft prompt is part of the input and cannot be merged into the base's weights")]
    [TestCase(MethodKind.Prefix, "a prefix stands before the keys and values of the text and cannot be merged into the base's weights")]
    public void Merging_is_refused(MethodKind method, string why)
    {
        var (recipe, _) = Trained(method);
        string adapter = Path.Combine(recipe.Output, "final");
        Assert.That(() => Merging.Run(world.Model, adapter, world["merged"], device), Throws.TypeOf<MethodException>().With.Message.EqualTo($"{adapter}: {why}"));
        Assert.That(Directory.Exists(world["merged"]), Is.False);
    }

    [TestCase(MethodKind.Prompt, "adapter_config.json,adapter_model.safetensors")]
    [TestCase(MethodKind.Prefix, "adapter_config.json,adapter_model.safetensors,prompt_encoder.safetensors")]
    [TestCase(MethodKind.Adapter, "adapter.safetensors,adapter_config.json")]
    [TestCase(MethodKind.Ia3, "adapter_config.json,adapter_model.safetensors")]
    [TestCase(MethodKind.BitFit, "adapter_config.json,adapter_model.safetensors")]
    public void It_has_the_files_of_its_library(MethodKind method, string files)
    {
        var (recipe, _) = Trained(method);
        var names = Directory.GetFiles(Path.Combine(recipe.Output, "final")).Select(f => Path.GetFileName(f)).Where(n => n.StartsWith("adapter", StringComparison.Ordinal) || n.EndsWith(".safetensors", StringComparison.Ordinal));
        Assert.That(string.Join(',', names.Order(StringComparer.Ordinal)), Is.EqualTo(files));
    }

    [Test]
    public void A_projected_prefix_without_its_encoder_can_be_used_and_not_trained_further()
    {
        var (recipe, result) = Trained(MethodKind.Prefix);
        string adapter = Path.Combine(recipe.Output, "final");
        File.Delete(Path.Combine(adapter, PrefixTuning.EncoderName));
        var judged = EvaluateRun.SideBySide(new EvaluateRequest(recipe.Model, adapter, recipe.Data.Validation, recipe.Data), device);
        Assert.That(judged[1].Loss.Mean, Is.EqualTo(result.LastEvaluation!.Value).Within(1e-6));
        Assert.That(() => Drive.Train(recipe with { Output = world["next"], Adapter = adapter }, device),
            Throws.TypeOf<CheckpointException>().With.Message.Contains("prompt_encoder.safetensors").And.Message.Contains("can be used but not trained further"));
    }

    [Test]
    public void An_adapter_of_another_method_is_refused()
    {
        var (recipe, _) = Trained(MethodKind.Ia3);
        Assert.That(() => Drive.Train(world.Recipe(MethodKind.Prompt, "next") with { Adapter = Path.Combine(recipe.Output, "final") }, device),
            Throws.TypeOf<MethodException>().With.Message.EndsWith("adapter_config.json: the adapter is IA3, and the recipe's method: prompt is PROMPT_TUNING"));
    }

    [TestCaseSource(nameof(Methods))]
    public void An_adapter_of_another_base_is_refused(MethodKind method)
    {
        var (recipe, _) = Trained(method);
        world.Configure(c => { c["hidden_size"] = 48; c["intermediate_size"] = 96; });
        world.Weights();
        Assert.That(() => LoadedModel.Open(world.Model, Path.Combine(recipe.Output, "final"), device),
            Throws.TypeOf<CheckpointException>().With.Message.Contains("its shape is").Or.Message.Contains("wanted"));
    }

    [TestCaseSource(nameof(Methods))]
    public void A_missing_tensor_is_named(MethodKind method)
    {
        var (recipe, _) = Trained(method);
        string adapter = Path.Combine(recipe.Output, "final"), file = Path.Combine(adapter, method == MethodKind.Adapter ? "adapter.safetensors" : "adapter_model.safetensors");
        string lost;
        using (var weights = SafetensorsFile.Open(file))
        {
            lost = weights.Names[0];
            var kept = weights.Names.Skip(1).Select(n => TensorToSave.Of(n, weights.Get(n).Shape, weights.ReadF32(n))).ToList();
            SafetensorsWriter.Save(file + ".new", kept);
        }
        File.Move(file + ".new", file, overwrite: true);
        Assert.That(() => LoadedModel.Open(world.Model, adapter, device), Throws.TypeOf<CheckpointException>().With.Message.Contains(lost).And.Message.Contains("missing"));
    }

    [Test]
    public void An_unknown_method_is_refused_by_name()
    {
        var (recipe, _) = Trained(MethodKind.Ia3);
        string file = Path.Combine(recipe.Output, "final", "adapter_config.json");
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"IA3\"", "\"VERA\"", StringComparison.Ordinal));
        Assert.That(() => LoadedModel.Open(world.Model, Path.GetDirectoryName(file), device),
            Throws.TypeOf<CheckpointException>().With.Message.Contains("key \"peft_type\": \"VERA\" was found, one of LORA, IA3"));
    }

    [Test]
    public void A_text_starts_a_prompt()
    {
        var recipe = world.Recipe(MethodKind.Prompt) with { Prompt = new PromptTuningConfig { NumVirtualTokens = 4, Init = PromptInit.Text, InitText = "ab" }, Optimizer = new OptimizerSettings { LearningRate = 0 } };
        Drive.Train(recipe, device);
        using var adapter = AdapterFolder.Open(Path.Combine(recipe.Output, "final"));
        using var plain = SafetensorsFile.Open(Path.Combine(world.Model, "model.safetensors"));
        float[] table = plain.ReadF32("model.embed_tokens.weight");
        using var loaded = LoadedModel.Open(world.Model, null, device);
        int[] ids = loaded.Text.Tokenizer.EncodeIds("ab");
        var expected = Enumerable.Range(0, 4).Select(i => ids[i % ids.Length]).SelectMany(id => table[(id * 32)..((id + 1) * 32)]);
        Assert.That(adapter.Weights.ReadF32("prompt_embeddings"), Is.EqualTo(expected.ToArray()));
        Assert.That((adapter.Config.String("prompt_tuning_init"), adapter.Config.String("prompt_tuning_init_text"), adapter.Config.String("tokenizer_name_or_path")), Is.EqualTo(("TEXT", "ab", world.Model)));
    }

    [Test]
    public void Rows_leave_room_for_virtual_tokens()
    {
        var recipe = world.Recipe(MethodKind.Prefix) with { Prefix = new PrefixTuningConfig { NumVirtualTokens = 30 }, Training = new TrainingSettings { MaxSteps = 1 } };
        var (_, events) = Drive.Train(recipe, device);
        Assert.That(events.OfType<NoteEvent>().Select(n => n.Text), Has.Some.EqualTo("data.max_length 48 is beyond the 34 positions of LlamaForCausalLM that 30 virtual tokens leave: rows are cut to those"));
    }

    private (Recipe Recipe, RunResult Result) Trained(MethodKind method)
    {
        var recipe = world.Recipe(method);
        recipe = recipe with { Data = recipe.Data with { Validation = [new DataFile(world["held.jsonl"])] }, Training = recipe.Training with { MaxSteps = 8 }, Evaluation = recipe.Evaluation with { Every = 8 } };
        var (result, _) = Drive.Train(recipe, device);
        return (recipe, result);
    }
}
