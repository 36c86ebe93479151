using System.Text.Json.Nodes;
using KernelTune.Checkpoints;
using KernelTune.Devices.Cpu;
using KernelTune.Methods;
using KernelTune.Models;

namespace KernelTune.Training.Tests.Methods;

/// <summary>Adapters that PEFT and adapter-hub saved, loaded and saved again: the same bytes.</summary>
public sealed class LibraryFilesTests
{
    [OneTimeSetUp]
    public void Look_for_the_goldens() => GoldenFolder.Of("adapters");

    private static IEnumerable<string> Folders()
    {
        string root = GoldenFolder.PathOf("adapters");
        if (!Directory.Exists(root))
            return [];
        string[] methods = ["IA3", "PROMPT_TUNING", "PREFIX_TUNING"];
        return from model in (string[])["llama__", "gpt2__"]
               from folder in Directory.EnumerateDirectories(root, model + "*").Order(StringComparer.Ordinal)
               where File.Exists(Path.Combine(folder, "adapter_config.json"))
               let config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "adapter_config.json")))!
               where config["peft_type"] is { } type ? methods.Contains((string?)type) : config["config"] is JsonObject
               from part in (string[])["", "final"]
               select Path.GetRelativePath(root, Path.Combine(folder, part)).TrimEnd('/');
    }

    [TestCaseSource(nameof(Folders))]
    public void The_files_are_the_library_s_byte_for_byte(string folder)
    {
        string root = GoldenFolder.PathOf("adapters"), source = Path.Combine(root, folder), target = Path.Combine(TestContext.CurrentContext.WorkDirectory, Guid.NewGuid().ToString("N"));
        using AdapterFolder files = AdapterFolder.Open(source);
        string baseName = files.Config.StringOrNull("base_model_name_or_path") ?? files.Config.String("model_name");
        using HuggingFaceFolder plain = HuggingFaceFolder.Open(Path.Combine(root, "bases", baseName));
        using var device = new CpuDevice(1);
        var model = ModelRegistry.CausalLanguageModel(plain.Config);
        IMethod method = AdapterMethods.Attach(model, model.ModelType, files.Config, note => Assert.Fail(note), training: true);
        ModelWeights.Load(model, plain.Weights, device);
        Assert.That(method.Load(device, files), Is.Empty);
        try
        {
            using (var saved = AtomicFolder.Begin(target))
            {
                method.Save(saved, baseName, "CAUSAL_LM");
                saved.Commit();
            }
            foreach (string file in Directory.GetFiles(source).Select(f => Path.GetFileName(f)).Where(n => n is "adapter_config.json" or "adapter_model.safetensors" or "adapter.safetensors"))
            {
                // A projected prefix is computed again from its encoder: to rounding.
                if (file == "adapter_model.safetensors" && method is PrefixTuning { IsProjected: true })
                    continue;
                Assert.That(File.ReadAllBytes(Path.Combine(target, file)), Is.EqualTo(File.ReadAllBytes(Path.Combine(source, file))), file);
            }
        }
        finally
        {
            Directory.Delete(target, recursive: true);
            foreach (var parameter in model.AllParameters())
                parameter.Dispose();
        }
    }

    [Test]
    public void Another_architecture_of_adapter_hub_is_refused_by_name() =>
        Assert.That(() => AdapterMethods.Attach(TinyModel.Llama(), "llama", JsonSettings.Parse("adapter_config.json", "{\"config\": {\"architecture\": \"prefix_tuning\"}}"u8.ToArray())),
            Throws.TypeOf<CheckpointException>().With.Message.Contains("key \"peft_type\": \"adapter-hub prefix_tuning\" was found"));

    [TestCase("\"use_gating\": true", "use_gating is not built")]
    [TestCase("\"phm_layer\": true", "phm_layer is not built")]
    [TestCase("\"inv_adapter\": \"nice\"", "inv_adapter \"nice\" is not built")]
    [TestCase("\"residual_before_ln\": \"post_add\"", "residual_before_ln \"post_add\" is not built")]
    public void A_part_of_adapter_hub_that_is_not_built_is_refused_by_name(string setting, string message) =>
        Assert.That(() => BottleneckConfigJson.Read(JsonSettings.Parse("adapter_config.json", System.Text.Encoding.UTF8.GetBytes(
            $"{{\"config\": {{\"mh_adapter\": true, \"output_adapter\": true, \"reduction_factor\": 4, \"non_linearity\": \"relu\", {setting}}}}}")), []),
            Throws.TypeOf<MethodException>().With.Message.Contains(message));
}
