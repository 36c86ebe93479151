using KernelTune.Data;
using KernelTune.Devices.Cpu;
using KernelTune.Evaluation.Generation;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Training.Tests.Runs;

/// <summary>A trained adapter judged beside its base, and asked.</summary>
public sealed class AskedModelTests
{
    private TinyWorld world = null!;
    private CpuDevice device = null!;
    private Recipe recipe = null!;
    private RunResult result = null!;

    [OneTimeSetUp]
    public void Train()
    {
        (world, device) = (new TinyWorld(), new CpuDevice(1));
        // Two questions, learned by heart.
        string rows = world.Rows("train.jsonl", 2, row: i => (i == 0 ? "left?" : "right, then?", i == 0 ? "blå" : "rot"));
        recipe = world.Recipe(MethodKind.Lora);
        recipe = recipe with { Data = recipe.Data with { Validation = [new DataFile(rows)] }, Training = recipe.Training with { MaxSteps = 60 }, Evaluation = recipe.Evaluation with { Every = 60 } };
        (result, _) = Drive.Train(recipe, device);
    }

    [OneTimeTearDown]
    public void End()
    {
        Assert.That(device.Outstanding, Is.Zero, "device bytes after the tests");
        device.Dispose();
        world.Dispose();
    }

    [Test]
    public void Base_and_adapter_are_judged_side_by_side_as_the_run_judged_them()
    {
        var judged = EvaluateRun.SideBySide(new EvaluateRequest(recipe.Model, Path.Combine(recipe.Output, "final"), recipe.Data.Validation, recipe.Data), device);
        Assert.That(judged.Select(j => j.Name), Is.EqualTo(new[] { "base", "adapter" }));
        Assert.That(judged[0].Loss.Mean, Is.EqualTo(result.FirstEvaluation));
        Assert.That(judged[1].Loss.Mean, Is.EqualTo(result.LastEvaluation));
        Assert.That(judged[1].Loss.Mean, Is.LessThan(judged[0].Loss.Mean / 2));
        Assert.That(judged[1].Loss.Perplexity, Is.EqualTo(Math.Exp(result.LastEvaluation!.Value)).Within(1e-12));
        Assert.That(judged[0].Loss.Labels, Is.EqualTo(judged[1].Loss.Labels));
    }

    [Test]
    public void It_answers_in_a_batch_and_as_it_streams_what_it_has_learned()
    {
        using var loaded = LoadedModel.Open(recipe.Model, Path.Combine(recipe.Output, "final"), device);
        using var run = new GenerateRun(loaded, GenerateRun.Defaults(loaded, []));
        var streamed = new string[] { "", "" };
        int[][] prompts = [loaded.Text.Tokenizer.EncodeIds("left?"), loaded.Text.Tokenizer.EncodeIds("right, then?")];
        var answers = run.Answer(prompts, (row, piece) => streamed[row] += piece);
        Assert.That(answers.Select(a => a.Text), Is.EqualTo(new[] { "blå", "rot" }));
        Assert.That(streamed, Is.EqualTo(new[] { "blå", "rot" }), "no character comes in part");
        Assert.That(answers.Select(a => a.Reason), Has.All.EqualTo(FinishReason.EndToken));
        Assert.That(answers[0].Tokens, Has.Count.EqualTo(5), "å is two bytes, and the end");
        Assert.That(run.Answer([prompts[1]])[0].Tokens, Is.EqualTo(answers[1].Tokens), "alone and in a batch");
    }

    [Test]
    public void A_stop_string_ends_an_answer()
    {
        using var loaded = LoadedModel.Open(recipe.Model, Path.Combine(recipe.Output, "final"), device);
        using var run = new GenerateRun(loaded, new GenerationSettings { MaxNewTokens = 8, StopStrings = ["ro"] });
        var answer = run.Answer([loaded.Text.Tokenizer.EncodeIds("right, then?")])[0];
        Assert.That((answer.Text, answer.Reason), Is.EqualTo(("ro", FinishReason.StopString)));
    }

    [Test]
    public void An_adapter_s_folder_names_its_base()
    {
        string adapter = Path.Combine(recipe.Output, "final");
        Assert.That(LoadedModel.Find(adapter, null), Is.EqualTo((world.Model, adapter)));
        Assert.That(LoadedModel.Find(world.Model, null), Is.EqualTo((world.Model, (string?)null)));
    }
}
