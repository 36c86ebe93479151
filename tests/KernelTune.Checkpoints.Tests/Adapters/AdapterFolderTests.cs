using System.Text.Json.Nodes;

namespace KernelTune.Checkpoints.Tests;

public sealed class AdapterFolderTests
{
    private ScratchFolder _scratch = null!;

    [SetUp]
    public void SetUp() => _scratch = new ScratchFolder();

    [TearDown]
    public void TearDown() => _scratch.Dispose();

    [TestCase("llama__lora_qv")]
    [TestCase("gpt2__lora")]
    public void What_peft_saved_is_read_and_written_again_byte_for_byte(string name)
    {
        var golden = Shared.Golden("adapters", name);
        using var adapter = AdapterFolder.Open(golden);
        Assert.That(adapter.PeftType, Is.EqualTo("LORA"));
        using (var folder = AtomicFolder.Begin(_scratch["again"]))
        {
            var config = JsonNode.Parse(adapter.Config.Root.GetRawText())!.AsObject();
            config["inference_mode"] = false;
            AdapterFolder.Write(folder, config, adapter.Weights.Names.Select(n => TensorToSave.Copy(adapter.Weights, n)));
            folder.Commit();
        }

        Assert.That(File.ReadAllText(_scratch["again/adapter_config.json"]), Is.EqualTo(File.ReadAllText(Path.Combine(golden, "adapter_config.json"))));
        Assert.That(File.ReadAllBytes(_scratch["again/adapter_model.safetensors"]), Is.EqualTo(File.ReadAllBytes(Path.Combine(golden, "adapter_model.safetensors"))));
    }

    [Test]
    public void The_config_is_what_python_would_write()
    {
        var config = new JsonObject
        {
            ["peft_type"] = "LORA", ["r"] = 8, ["lora_dropout"] = 0.0, ["lora_alpha"] = 16, ["target_modules"] = new JsonArray("q_proj", "v_proj"),
            ["rank_pattern"] = new JsonObject { ["b"] = 2, ["a"] = 1 }, ["alpha_pattern"] = new JsonObject(), ["modules_to_save"] = null, ["eps"] = 6e-5,
        };
        Assert.That(System.Text.Encoding.UTF8.GetString(AdapterFolder.ConfigBytes(config)), Is.EqualTo(
            "{\n  \"alpha_pattern\": {},\n  \"eps\": 6E-05,\n  \"inference_mode\": true,\n  \"lora_alpha\": 16,\n  \"lora_dropout\": 0.0,\n  \"modules_to_save\": null,\n"
            + "  \"peft_type\": \"LORA\",\n  \"r\": 8,\n  \"rank_pattern\": {\n    \"a\": 1,\n    \"b\": 2\n  },\n  \"target_modules\": [\n    \"q_proj\",\n    \"v_proj\"\n  ]\n}"));
    }

    [TestCase("{\"fine_tune_type\":\"lora\",\"num_layers\":8}", "key \"fine_tune_type\": an mlx-lm adapter was found, PEFT's (with peft_type) wanted")]
    [TestCase("{\"config\":\"pfeiffer\"}", "key \"peft_type\": absent, a PEFT method such as \"LORA\" wanted")]
    [TestCase("{}", "key \"peft_type\": absent, a PEFT method such as \"LORA\" wanted")]
    [TestCase("{\"peft_type\":7}", "key \"peft_type\": \"7\" was found, a string wanted")]
    public void Other_dialects_are_refused_by_name(string config, string message)
    {
        _scratch.Write("a/adapter_config.json", config);
        SafetensorsWriter.Save(_scratch["a/adapter_model.safetensors"], []);
        Assert.That(Assert.Throws<CheckpointException>(() => AdapterFolder.Open(_scratch["a"]))!.Message, Does.EndWith(message));
    }

    [Test]
    public void What_is_missing_is_named()
    {
        Assert.That(Assert.Throws<CheckpointException>(() => AdapterFolder.Open(_scratch["a"]))!.Message, Does.EndWith("no such folder"));
        Directory.CreateDirectory(_scratch["a"]);
        Assert.That(Assert.Throws<CheckpointException>(() => AdapterFolder.Open(_scratch["a"]))!.Message, Does.EndWith("no adapter_config.json was found, an adapter's folder wanted"));
        _scratch.Write("a/adapter_config.json", "{\"peft_type\":\"OFT\"}");
        Assert.That(Assert.Throws<CheckpointException>(() => AdapterFolder.Open(_scratch["a"]))!.Message, Does.EndWith("adapter_model.safetensors: no such file"));
        _scratch.Write("a/adapter_model.bin", "x");
        Assert.That(Assert.Throws<CheckpointException>(() => AdapterFolder.Open(_scratch["a"]))!.Message, Does.Contain("adapter_model.bin: a pickle was found"));
        SafetensorsWriter.Save(_scratch["a/adapter_model.safetensors"], []);
        using var adapter = AdapterFolder.Open(_scratch["a"]);
        Assert.That((adapter.PeftType, adapter.IsHub), Is.EqualTo(("OFT", false)));
    }
}
