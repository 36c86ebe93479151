using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Devices.Cpu;
using KernelTune.Evaluation.Generation;
using KernelTune.Methods;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Training.Tests.Runs;

/// <summary>A T5 from a recipe to its use: trained, foreseen, resumed, judged, asked and merged.</summary>
public sealed class Seq2SeqRunTests
{
    private static readonly MethodKind[] Methods = [MethodKind.Full, MethodKind.Lora, MethodKind.Ia3, MethodKind.Adapter, MethodKind.Prompt, MethodKind.Prefix];

    private TinyWorld world = null!;
    private CpuDevice device = null!;

    [SetUp]
    public void SetUp()
    {
        (world, device) = (new TinyWorld(), new CpuDevice(1));
        world.BecomeT5();
        world.Weights();
    }

    [TearDown]
    public void TearDown()
    {
        Assert.That(device.Outstanding, Is.Zero, "device bytes after the test");
        device.Dispose();
        world.Dispose();
    }

    private Recipe Recipe(MethodKind method, string output = "run")
    {
        Recipe recipe = world.Recipe(method, output);
        return recipe with
        {
            Task = TaskKind.Seq2SeqLm,
            Data = recipe.Data with { Validation = [new DataFile(world["held.jsonl"])] },
            Lora = new LoraSettings { Config = new LoraConfig { R = 4, LoraAlpha = 8 } },
            Ia3 = new Ia3Config(),
        };
    }

    [TestCaseSource(nameof(Methods))]
    public void It_learns_and_is_judged_as_the_run_judged_it(MethodKind method)
    {
        Recipe recipe = Recipe(method);
        var (result, _) = Drive.Train(recipe, device);
        Assert.That(result.LastEvaluation, Is.LessThan(result.FirstEvaluation!.Value));
        string final = Path.Combine(recipe.Output, "final");
        bool adapter = method != MethodKind.Full;
        var judged = EvaluateRun.SideBySide(new EvaluateRequest(adapter ? recipe.Model : final, adapter ? final : null, recipe.Data.Validation, recipe.Data), device);
        Assert.That(judged[^1].Loss.Mean, Is.EqualTo(result.LastEvaluation));
        if (method is MethodKind.Lora or MethodKind.Ia3 or MethodKind.Prompt or MethodKind.Prefix)
            Assert.That(File.ReadAllText(Path.Combine(final, "adapter_config.json")), Does.Contain("\"SEQ_2_SEQ_LM\""));
    }

    [Test]
    public void A_stopped_run_ends_in_the_same_bits()
    {
        Drive.OnCpu(Recipe(MethodKind.Lora, "whole"));
        Recipe stopped = Recipe(MethodKind.Lora, "stopped");
        Drive.OnCpu(stopped, stopAt: 3);
        Drive.OnCpu(stopped, resume: true);
        Drive.AssertSame(world["whole"], world["stopped"], "resumed after three steps");
    }

    [TestCase(MethodKind.Lora)]
    [TestCase(MethodKind.Prompt)]
    [TestCase(MethodKind.Prefix)]
    public void An_adapter_answers_the_same_alone_and_in_a_batch(MethodKind method)
    {
        Recipe recipe = Recipe(method);
        Drive.Train(recipe, device);
        using var loaded = LoadedModel.Open(recipe.Model, Path.Combine(recipe.Output, "final"), device, note => Assert.Fail(note));
        using var run = new GenerateRun(loaded, new GenerationSettings { MaxNewTokens = 6, NumBeams = 2 });
        int[][] prompts = [loaded.Text.Tokenizer.EncodeIds("qqq3="), loaded.Text.Tokenizer.EncodeIds("q=")];
        Assert.That(run.Answer([prompts[1]])[0].Tokens, Is.EqualTo(run.Answer(prompts)[1].Tokens));
    }

    [Test]
    public void It_is_merged()
    {
        Recipe recipe = Recipe(MethodKind.Lora);
        Drive.Train(recipe, device);
        var (_, drift) = Merging.Run(world.Model, Path.Combine(recipe.Output, "final"), world["merged"], device);
        Assert.That(drift.Most, Is.LessThan(1e-4));
    }

    [Test]
    public void A_decoder_alone_is_refused_and_so_is_a_T5_for_the_other_task()
    {
        Recipe other = world.Recipe(MethodKind.Lora);
        Assert.That(() => Drive.Train(other, device), Throws.TypeOf<CheckpointException>().With.Message.Contain("is an encoder-decoder: task: seq2seq-lm wanted"));
        world.BecomeGpt2();
        Assert.That(() => Drive.Train(Recipe(MethodKind.Lora), device), Throws.TypeOf<CheckpointException>().With.Message.Contain("is a decoder alone: task: causal-lm wanted"));
    }
}
