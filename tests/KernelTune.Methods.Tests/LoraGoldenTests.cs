using System.Text.Json;
using System.Text.Json.Nodes;
using KernelTune.Checkpoints;

namespace KernelTune.Methods.Tests;

/// <summary>Every LoRA adapter of the goldens: its configuration must name exactly the tensors that PEFT saved.</summary>
public sealed class LoraGoldenTests
{
    private static IEnumerable<string> Configs()
    {
        if (!Directory.Exists(GoldenAdapters.Folder))
            return [];
        return Directory.EnumerateFiles(GoldenAdapters.Folder, "adapter_config.json", SearchOption.AllDirectories)
            .Where(f => !f.Contains("vit__", StringComparison.Ordinal))      // its module names are not those of its weights
            .Where(f => JsonNode.Parse(File.ReadAllText(f))!["peft_type"]?.GetValue<string>() == "LORA")
            .Select(f => Path.GetRelativePath(GoldenAdapters.Folder, Path.GetDirectoryName(f)!)).Order(StringComparer.Ordinal);
    }

    /// <summary>Those whose case counts what trains, and counts LoRA alone.</summary>
    private static IEnumerable<string> Counted() => Configs().Where(f => !f.Contains("trainable_tokens", StringComparison.Ordinal)
        && !f.Contains("llama__two_", StringComparison.Ordinal) && !f.EndsWith("converted", StringComparison.Ordinal));

    [OneTimeSetUp]
    public void Look_for_the_goldens()
    {
        if (!Directory.Exists(GoldenAdapters.Folder))
            Assert.Ignore($"{GoldenAdapters.Folder} is absent: no adapters to compare with");
    }

    private static (LoraConfig Config, string Text) Read(string folder)
    {
        string file = Path.Combine(GoldenAdapters.Folder, folder, "adapter_config.json");
        List<string> dropped = [];
        LoraConfig config = LoraConfigJson.Read(JsonSettings.Read(file), dropped);
        Assert.That(dropped, Is.Empty);
        return (config, File.ReadAllText(file));
    }

    [TestCaseSource(nameof(Configs))]
    public void The_tensors_are_those_that_PEFT_saved(string folder)
    {
        LoraConfig config = Read(folder).Config;
        (string type, List<AdaptableModule> modules) = GoldenAdapters.Base(config.BaseModelNameOrPath!);
        SortedDictionary<string, int[]> wanted = GoldenAdapters.Header(Path.Combine(GoldenAdapters.Folder, folder, "adapter_model.safetensors"));
        LoraPlan plan = LoraPlan.Make(config, modules, type);
        // Trainable tokens are a method of their own, saved into the same file.
        string[] names = [.. wanted.Keys.Where(n => !n.EndsWith("trainable_tokens_delta", StringComparison.Ordinal))];
        Assert.That(plan.Tensors.Select(t => t.Name), Is.EqualTo(names));
        foreach (AdapterTensor tensor in plan.Tensors)
            Assert.That(tensor.Shape, Is.EqualTo(wanted[tensor.Name]), tensor.Name);
    }

    [TestCaseSource(nameof(Configs))]
    public void The_configuration_is_written_as_PEFT_wrote_it(string folder)
    {
        (LoraConfig config, string text) = Read(folder);
        string ours = System.Text.Encoding.UTF8.GetString(AdapterFolder.ConfigBytes(LoraConfigJson.Write(config)));
        Assert.That(ours, Is.EqualTo(text));
    }

    [TestCaseSource(nameof(Counted))]
    public void What_trains_is_what_has_a_gradient(string folder)
    {
        string top = folder.Split(Path.DirectorySeparatorChar)[0];
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(GoldenAdapters.Folder, top, "case.json")));
        LoraConfig config = Read(folder).Config;
        (string type, List<AdaptableModule> modules) = GoldenAdapters.Base(config.BaseModelNameOrPath!);
        Assert.That(LoraPlan.Make(config, modules, type).TrainableParameters, Is.EqualTo(json.RootElement.GetProperty("trainable_parameters").GetInt64()));
    }

    [Test]
    public void Fault_48_an_adapter_of_another_base_is_refused_by_tensor()
    {
        LoraConfig config = Read("llama__lora_qv").Config;
        (string type, List<AdaptableModule> modules) = GoldenAdapters.Base("llama-tiny");
        LoraPlan plan = LoraPlan.Make(config, modules, type);
        using SafetensorsFile own = Weights("llama__lora_qv"), rank = Weights("llama__rslora"), other = Weights("gpt2__lora"), more = Weights("llama__lora_all_linear");
        Assert.That(plan.CheckWeights(own), Is.Empty);
        Assert.That(
            () => plan.CheckWeights(rank),
            Throws.TypeOf<CheckpointException>().With.Message.EndsWith(
                "tensor \"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight\": its shape is [6, 32], [4, 32] wanted"));
        Assert.That(
            () => plan.CheckWeights(other),
            Throws.TypeOf<CheckpointException>().With.Message.EndsWith(
                "tensor \"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight\": it is missing, and 7 more of the 8 that the model has"));
        Assert.That(LoraPlan.Make(config with { R = 3 }, modules, type).CheckWeights(more), Has.Count.EqualTo(20).And.All.Contains("_proj.lora_"));

        static SafetensorsFile Weights(string name) => SafetensorsFile.Open(Path.Combine(GoldenAdapters.Folder, name, "adapter_model.safetensors"));
    }
}
