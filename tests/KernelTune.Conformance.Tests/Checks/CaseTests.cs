using KernelTune.Conformance.Checks;

namespace KernelTune.Conformance.Tests.Checks;

/// <summary>Every case that can be read is held against itself: all of it is found, and a change is noticed.</summary>
public sealed class CaseTests
{
    private static IEnumerable<string> Folders(string family, string file) =>
        !Goldens.Exist ? [] : Directory.EnumerateDirectories(Path.Combine(Goldens.Folder, family)).Where(f => File.Exists(Path.Combine(f, file))).Order(StringComparer.Ordinal);

    private static IEnumerable<TestCaseData> Models() => Folders("models", "expected.safetensors").Select(f => new TestCaseData(f).SetName("models/" + Path.GetFileName(f)));

    private static IEnumerable<TestCaseData> Adapters() => Folders("adapters", "adapter_model.safetensors").Where(f => Path.GetFileName(f).Contains("__lora", StringComparison.Ordinal))
        .Select(f => new TestCaseData(f).SetName("adapters/" + Path.GetFileName(f)));

    [OneTimeSetUp]
    public void Look_for_the_goldens()
    {
        if (!Goldens.Exist)
            Assert.Ignore($"{Goldens.Folder} is absent: no goldens to read");
    }

    private static ComputedRun Itself(GoldenTensors expected, GoldenRun run) => new(
        expected["loss"].Doubles()[0],
        run.OutputNames.ToDictionary(n => n, n => ComputedTensor.Of(expected[n])),
        run.GradientNames.ToDictionary(n => n, n => ComputedTensor.Of(expected["grad." + n])));

    [TestCaseSource(nameof(Models))]
    public void A_model_case_agrees_with_itself(string folder)
    {
        var golden = new ModelCase(folder);
        ComputedRun run = Itself(golden.Expected, golden.Run);
        GoldenCheck check = golden.NewCheck("reference");
        golden.Run.CompareTraining(check, run);
        golden.Run.CompareOutputs(check, run);
        Assert.That(check.Finding().Outcome, Is.EqualTo(Outcome.Pass), check.Finding().Detail);

        GoldenCheck changed = golden.NewCheck("cpu");
        string first = golden.Run.GradientNames.First(n => golden.Errors["grad." + n].Scale > 0);
        run.Gradients[first].Values[^1] += 0.01 * golden.Errors["grad." + first].Scale;
        golden.Run.CompareTraining(changed, run);
        Assert.That(changed.Finding().Outcome, Is.EqualTo(Outcome.Fail));
    }

    [Test]
    public void Logits_at_padding_do_not_count()
    {
        var golden = new ModelCase(Path.Combine(Goldens.Folder, "models", "llama"));
        ComputedRun run = Itself(golden.Expected, golden.Run);
        long[] mask = golden.Inputs["attention_mask"].Integers();
        int vocabulary = golden.Expected["logits"].Shape[^1];
        int padded = Array.IndexOf(mask, 0);
        run.Outputs["logits"].Values[padded * vocabulary] += 1;
        GoldenCheck check = golden.NewCheck("reference");
        golden.Run.CompareOutputs(check, run);
        Assert.That(check.Passes, Is.True, check.Finding().Detail);
        run.Outputs["logits"].Values[Array.IndexOf(mask, 1) * vocabulary] += 1;
        golden.Run.CompareOutputs(check, run);
        Assert.That(check.Passes, Is.False);
    }

    [TestCaseSource(nameof(Adapters))]
    public void An_adapter_case_agrees_with_itself(string folder)
    {
        var golden = new AdapterCase(folder);
        GoldenCheck check = golden.NewCheck("reference");
        golden.Run.CompareTraining(check, Itself(golden.Expected, golden.Run));
        golden.Run.CompareOutputs(check, Itself(golden.Expected, golden.Run), ["logits", "base_logits"]);
        string merged = Path.Combine(folder, "merged.safetensors");
        if (File.Exists(merged))
        {
            var weights = new GoldenTensors(merged);
            golden.CompareMerged(check, weights.Names.ToDictionary(n => n, n => ComputedTensor.Of(weights[n])), ComputedTensor.Of(golden.Expected["merged_logits"]));
        }

        GoldenTraining training = golden.Training();
        double[][] rates = [.. Enumerable.Range(0, training.Steps).Select(k => training.Groups.Select(g => training.Schedule.Rate(k, g.LearningRate)).ToArray())];
        golden.CompareTrajectory(check, Stored(folder, rates), ComputedTensor.Of(golden.Expected["final_logits"]));
        Assert.That(check.Finding().Outcome, Is.EqualTo(Outcome.Pass), check.Finding().Detail);
        Assert.That(golden.Batch(3).Keys, Is.EquivalentTo(golden.Batch(0).Keys).And.Not.Empty);
    }

    private static ComputedTrajectory Stored(string folder, double[][] rates)
    {
        using var json = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "trajectory.json")));
        double[] Numbers(string key) => [.. json.RootElement.GetProperty(key).EnumerateArray().Select(e => e.GetDouble())];
        var final = new GoldenTensors(Path.Combine(folder, "final", "adapter_model.safetensors"));
        return new ComputedTrajectory(Numbers("losses"), Numbers("grad_norms"), rates, final.Names.ToDictionary(n => n, n => ComputedTensor.Of(final[n])));
    }

    [TestCase("adamw")]
    [TestCase("warmup_cosine")]
    [TestCase("accumulate_tokens")]
    [TestCase("accumulate_means")]
    [TestCase("decay_groups")]
    [TestCase("adamw_bert")]
    [TestCase("adamw8bit")]
    [TestCase("lion")]
    public void A_training_case_agrees_with_itself(string name)
    {
        string folder = Path.Combine(Goldens.Folder, "training", name);
        var golden = new TrainingCase(folder);
        GoldenTraining training = golden.Training();
        using var json = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "trajectory.json")));
        double[] Numbers(string key) => [.. json.RootElement.GetProperty(key).EnumerateArray().Select(e => e.GetDouble())];
        double[][] rates = [.. Enumerable.Range(0, training.Steps).Select(k => training.Groups.Select(g => training.Schedule.Rate(k, g.LearningRate)).ToArray())];
        Dictionary<string, ComputedTensor> All(string file)
        {
            var tensors = new GoldenTensors(Path.Combine(folder, file));
            return tensors.Names.ToDictionary(n => n, n => ComputedTensor.Of(tensors[n]));
        }

        GoldenCheck check = golden.NewCheck("reference");
        golden.Compare(check, "reference", new ComputedTrajectory(Numbers("loss"), Numbers("grad_norm"), rates, All("final.safetensors")), All("optimizer_state.safetensors"));
        Assert.That(check.Finding().Outcome, Is.EqualTo(Outcome.Pass), check.Finding().Detail);
        Assert.That(training.Groups.Sum(g => g.Parameters.Count), Is.EqualTo(new GoldenTensors(Path.Combine(folder, "final.safetensors")).Names.Count));
        Assert.That(golden.Batch((training.Steps * training.Accumulate) - 1), Is.Not.Empty);
    }

    [TestCase("adafactor_relative", "the optimizer adafactor")]
    [TestCase("ema", "settings: ema")]
    [TestCase("layerwise_lr", "groups by the rule layerwise")]
    [TestCase("label_smoothing", "objective ")]
    [TestCase("autocast_bf16", "expected values in float32")]
    public void A_training_case_that_is_not_built_says_what_is_missing(string name, string message) =>
        Assert.That(
            () => new TrainingCase(Path.Combine(Goldens.Folder, "training", name)).Training(),
            Throws.TypeOf<NotSupportedException>().With.Message.StartsWith(message));
}
