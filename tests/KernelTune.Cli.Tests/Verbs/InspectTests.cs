using KernelTune.Checkpoints;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Cli.Tests.Verbs;

public sealed class InspectTests
{
    private string _folder = "";

    [SetUp]
    public void Make_folder() => _folder = Directory.CreateTempSubdirectory("inspect").FullName;

    [TearDown]
    public void Remove_folder() => Directory.Delete(_folder, recursive: true);

    private string Weights(params float[] values)
    {
        string path = Path.Combine(_folder, "model.safetensors");
        SafetensorsWriter.Save(path, [TensorToSave.Of("b.weight", [1, values.Length], values), TensorToSave.Of("a.bias", [2], new float[] { 1, 2 }, DType.BF16)]);
        return path;
    }

    [Test]
    public void A_file_is_listed_with_types_shapes_and_totals()
    {
        CommandLine run = CommandLine.Run("inspect", Weights(1, 2, 3));
        Assert.That((run.Code, run.Error), Is.EqualTo((0, "")));
        Assert.That(run.Out, Does.Match(@"b\.weight\s+F32\s+\[1, 3\]\s+3\s+12"));
        Assert.That(run.Out, Does.Match(@"a\.bias\s+BF16\s+\[2\]\s+2\s+4"));
        Assert.That(run.Out, Does.EndWith("2 tensors, 5 parameters (F32 3, BF16 2), 16 B\n"));
    }

    [Test]
    public void JSON_says_the_same()
    {
        var json = CommandLine.Run("inspect", Weights(1, 2, 3), "--json", "--filter", "weight$").Json;
        Assert.That((string?)json["kind"], Is.EqualTo("safetensors"));
        Assert.That((long?)json["parameters"], Is.EqualTo(3));
        Assert.That(json["tensors"]!.AsArray(), Has.Count.EqualTo(1));
        Assert.That((string?)json["tensors"]![0]!["name"], Is.EqualTo("b.weight"));
        Assert.That(json["tensors"]![0]!["shape"]!.ToJsonString(), Is.EqualTo("[1,3]"));
    }

    [TestCase("""{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "base_model_name_or_path": "org/base"}""", "adapter_model.safetensors", "PEFT adapter", "peft_type: LORA", "base: org/base", "rank: 4, alpha 8")]
    [TestCase("""{"peft_type": "BITFIT"}""", "adapter_model.safetensors", "KernelTune's own adapter", "peft_type: BITFIT")]
    [TestCase("""{"config": {"architecture": null}, "model_name": "org/base"}""", "adapter.safetensors", "adapter-hub adapter", "peft_type: BOTTLENECK", "base: org/base")]
    [TestCase("""{"config": {"architecture": "prefix_tuning"}}""", "adapter.safetensors", "adapter-hub adapter", "peft_type: adapter-hub prefix_tuning")]
    public void An_adapter_is_called_after_its_library(string config, string weights, string kind, params string[] facts)
    {
        File.WriteAllText(Path.Combine(_folder, "adapter_config.json"), config);
        SafetensorsWriter.Save(Path.Combine(_folder, weights), [TensorToSave.Of("a", [1], new float[] { 1 })]);
        CommandLine run = CommandLine.Run("inspect", _folder);
        Assert.That((run.Code, run.Error), Is.EqualTo((0, "")));
        string[] lines = run.Out.Split('\n');
        Assert.That(lines[0], Is.EqualTo($"{_folder}: {kind}"));
        Assert.That(lines[1..(facts.Length + 1)], Is.EqualTo(facts.Select(f => "  " + f)));
    }

    [Test]
    public void Fault_14_what_is_not_finite_is_counted()
    {
        CommandLine run = CommandLine.Run("inspect", Weights(float.NaN, 1, float.PositiveInfinity, float.NaN), "--check");
        Assert.That(run.Code, Is.Zero);
        Assert.That(run.Out, Does.EndWith("tensor \"b.weight\": 2 NaN and 1 infinite values\n"));
    }

    [Test]
    public void Fault_1_a_torn_file_is_exit_3_and_one_line()
    {
        string path = Path.Combine(_folder, "model.safetensors");
        File.WriteAllBytes(path, [1, 2, 3]);
        CommandLine run = CommandLine.Run("inspect", path);
        Assert.That(run.Code, Is.EqualTo(3));
        Assert.That(run.Error, Does.StartWith($"error: {path}").And.EndWith("\n"));
        Assert.That(run.Error.Trim().Split('\n'), Has.Length.EqualTo(1));
    }
}
