using System.Text.Json.Nodes;
using KernelTune.Checkpoints;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Shapes;
using KernelTune.Methods;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Training.Tests.Runs;

/// <summary>Rows of the token table that train beside LoRA's factors: what a run saves, what merging makes of a tied head, what is refused.</summary>
public sealed class TrainableTokenRunsTests
{
    private const string Rows = "base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta", HeadRows = "base_model.model.lm_head.token_adapter.trainable_tokens_delta";

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

    private Recipe Recipe(string output, params int[] tokens)
    {
        var recipe = world.Recipe(MethodKind.Lora, output);
        return recipe with { Lora = recipe.Lora with { Config = recipe.Lora.Config with { TrainableTokenIndices = tokens } } };
    }

    [Test]
    public void Only_the_named_rows_move_and_a_tied_head_moves_with_them()
    {
        var recipe = Recipe("run", 'q', 257, 'a');
        var (_, events) = Drive.Train(recipe, device);
        Assert.That(Drive.Losses(events)[^1], Is.LessThan(Drive.Losses(events)[0]));
        string final = Path.Combine(recipe.Output, "final");
        using var adapter = SafetensorsFile.Open(Path.Combine(final, "adapter_model.safetensors"));
        Assert.That(adapter.Get(Rows).Shape, Is.EqualTo(new[] { 3L, 32L }));
        float[] rows = adapter.ReadF32(Rows);
        Assert.That(adapter.ReadF32(HeadRows), Is.EqualTo(rows), "one parameter under both names");
        Assert.That(JsonNode.Parse(File.ReadAllText(Path.Combine(final, "adapter_config.json")))!["trainable_token_indices"]!.ToJsonString(), Is.EqualTo("[113,257,97]"));

        var (_, drift) = Merging.Run(world.Model, final, world["merged"], device);
        Assert.That(drift.Most, Is.LessThan(1e-4));
        using var plain = SafetensorsFile.Open(Path.Combine(world.Model, "model.safetensors"));
        using var merged = SafetensorsFile.Open(Path.Combine(world["merged"], "model.safetensors"));
        float[] before = plain.ReadF32("model.embed_tokens.weight"), after = merged.ReadF32("model.embed_tokens.weight");
        for (int id = 0; id < TinyWorld.Vocabulary; id++)
        {
            int at = Array.IndexOf([(int)'q', 257, 'a'], id);
            Assert.That(after.AsSpan(id * 32, 32).ToArray(), Is.EqualTo(at < 0 ? before[(id * 32)..((id + 1) * 32)] : rows[(at * 32)..((at + 1) * 32)]), $"row {id}");
            if (at >= 0)
                Assert.That(rows[(at * 32)..((at + 1) * 32)], Is.Not.EqualTo(before[(id * 32)..((id + 1) * 32)]), $"row {id} has trained");
        }
        Assert.That(merged.Names, Does.Not.Contain("lm_head.weight"), "the head stays tied");
        Assert.That((bool?)JsonNode.Parse(File.ReadAllText(Path.Combine(world["merged"], "config.json")))!["tie_word_embeddings"], Is.True);
    }

    [Test]
    public void A_stopped_run_goes_on_to_the_same_bits()
    {
        var recipe = Recipe("whole", 'q', 257);
        Drive.OnCpu(recipe);
        var stopped = recipe with { Output = world["stopped"] };
        Drive.OnCpu(stopped, stopAt: 3);
        Drive.OnCpu(stopped, resume: true);
        Drive.AssertSame(recipe.Output, stopped.Output, "resumed");
    }

    [Test]
    public void A_fresh_adapter_leaves_the_model_as_it_is()
    {
        var recipe = Recipe("run", 'q', 256) with { Training = new TrainingSettings { MaxSteps = 1, BatchSize = 4 }, Optimizer = new OptimizerSettings { LearningRate = 0 } };
        Drive.Train(recipe, device);
        int[][] probes = [[256, 'q', 'q', 66, 257]];
        using var plain = LoadedModel.Open(world.Model, null, device);
        using var adapted = LoadedModel.Open(world.Model, Path.Combine(recipe.Output, "final"), device);
        Assert.That(LogitDrift.Between(Merging.Logits(plain, probes), Merging.Logits(adapted, probes), TinyWorld.Vocabulary).Most, Is.LessThan(1e-5));
    }

    /// <summary>A prediction is the run on shapes: the rows, and the table of which token has one, count among the adapter's bytes.</summary>
    [Test]
    public void The_plan_counts_the_rows_and_their_look_up()
    {
        long Adapters(Recipe recipe)
        {
            using var shapes = new ShapesDevice(device);
            using var run = TrainingRun.Open(new RunRequest(recipe), device);
            return run.Plan(shapes).PeakByCategory[(int)Category.Adapters];
        }
        // D [3, 32], which token has a row [259, 3], which keeps its own [259, 1]; pieces of memory are multiples of 64 bytes.
        const long More = 4 * ((3 * 32) + (259 * 3) + 259);
        Assert.That(Adapters(Recipe("with", 1, 2, 3)) - Adapters(Recipe("without")), Is.InRange(More, More + 192));
    }

    [TestCase(new[] { 259 }, "the trainable token 259 is none of model.embed_tokens, which has 259 rows")]
    [TestCase(new[] { -1 }, "the trainable token -1 is none of model.embed_tokens, which has 259 rows")]
    [TestCase(new[] { 258 }, "the trainable token 258 is the padding of model.embed_tokens, whose row look-ups do not train")]
    [TestCase(new[] { 5, 5 }, "the trainable token 5 is named twice")]
    public void Tokens_that_are_none_are_refused(int[] tokens, string message) =>
        Assert.That(() => Drive.Train(Recipe("run", tokens), device), Throws.TypeOf<MethodException>().With.Message.EqualTo(message));

    [Test]
    public void A_table_that_is_adapted_already_is_refused()
    {
        var recipe = Recipe("run", 5);
        recipe = recipe with { Lora = recipe.Lora with { Config = recipe.Lora.Config with { TargetModules = ModuleSelection.Of("embed_tokens", "q_proj") } } };
        Assert.That(() => Drive.Train(recipe, device), Throws.TypeOf<MethodException>().With.Message.EqualTo("model.embed_tokens cannot have trainable tokens: the method adapts or trains it already"));
    }
}
