using System.Text.Json.Nodes;
using KernelTune.Checkpoints;
using KernelTune.Devices.Cpu;
using KernelTune.Kernels.Numerics;
using KernelTune.Methods;
using KernelTune.Text;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Training.Tests.Runs;

/// <summary>Adapters merged into their bases: the same logits, the right types, names and files.</summary>
public sealed class MergingTests
{
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

    [Test]
    public void An_fp32_base_stays_fp32_and_its_logits_hardly_move()
    {
        string adapter = Adapter();
        var (format, drift) = Merging.Run(world.Model, adapter, world["merged"], device, probes: [[256, 65, 66, 257], [1, 2, 3]]);
        Assert.That((format.Name, drift.Positions, drift.SameToken), Is.EqualTo(("F32", 7, 7)));
        Assert.That(drift.Most, Is.LessThan(1e-4));
        Assert.That(drift.Mean, Is.LessThanOrEqualTo(drift.Most));
        Assert.That(drift.Divergence, Is.EqualTo(0).Within(1e-8));
        Assert.That(Changed(adapter).Most, Is.GreaterThan(0.1), "the adapter itself moves them");
        string[] names = [.. Directory.GetFiles(world["merged"]).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];
        Assert.That(names, Is.SupersetOf(new[] { "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json" }));
    }

    [TestCase(DType.BF16, "bfloat16")]
    [TestCase(DType.F16, "float16")]
    public void A_base_in_16_bits_keeps_its_type(DType type, string named)
    {
        world.Weights(type: type);
        string adapter = Adapter();
        var (format, drift) = Merging.Run(world.Model, adapter, world["merged"], device);
        Assert.That(format.Name, Is.EqualTo(type.ToString()));
        Assert.That((string?)JsonNode.Parse(File.ReadAllText(Path.Combine(world["merged"], "config.json")))!["dtype"], Is.EqualTo(named));
        Assert.That(drift.Most, Is.InRange(1e-5, 0.3));
        Assert.That(drift.Divergence, Is.InRange(0, 0.02));

        // What no adapter touches is copied bit for bit; what one does is W + s·B·A, rounded once.
        using var plain = SafetensorsFile.Open(Path.Combine(world.Model, "model.safetensors"));
        using var merged = SafetensorsFile.Open(Path.Combine(world["merged"], "model.safetensors"));
        Assert.That(merged.ReadRaw("model.embed_tokens.weight"), Is.EqualTo(plain.ReadRaw("model.embed_tokens.weight")));
        using var factors = AdapterFolder.Open(adapter);
        const string site = "model.layers.1.mlp.down_proj";
        float[] w = plain.ReadF32($"{site}.weight"), a = factors.Weights.ReadF32($"base_model.model.{site}.lora_A.weight"), b = factors.Weights.ReadF32($"base_model.model.{site}.lora_B.weight");
        double sum = 0;
        for (int r = 0; r < 4; r++)
            sum += 2.0 * b[(5 * 4) + r] * a[(r * 64) + 7];
        float expected = (float)(w[(5 * 64) + 7] + sum);
        Assert.That(merged.ReadF32($"{site}.weight")[(5 * 64) + 7], Is.EqualTo(expected).Within(Math.Abs(expected) / (type == DType.BF16 ? 256 : 2048)));
    }

    [Test]
    public void Another_type_may_be_asked_for()
    {
        var (format, _) = Merging.Run(world.Model, Adapter(), world["merged"], device, WeightFormats.BF16);
        using var merged = SafetensorsFile.Open(Path.Combine(world["merged"], "model.safetensors"));
        Assert.That((format.Name, merged.NativeDType), Is.EqualTo(("BF16", "BF16")));
    }

    [TestCase("lm_head")]
    [TestCase("embed_tokens")]
    public void A_tied_head_parts_from_its_table_where_one_of_them_is_adapted(string target)
    {
        string adapter = Adapter(c => c with { TargetModules = ModuleSelection.Of(target, "q_proj") });
        var (_, drift) = Merging.Run(world.Model, adapter, world["merged"], device);
        Assert.That(drift.Most, Is.LessThan(1e-4));
        Assert.That((bool?)JsonNode.Parse(File.ReadAllText(Path.Combine(world["merged"], "config.json")))!["tie_word_embeddings"], Is.False);
        using var merged = SafetensorsFile.Open(Path.Combine(world["merged"], "model.safetensors"));
        Assert.That(merged.ReadF32("lm_head.weight"), Is.Not.EqualTo(merged.ReadF32("model.embed_tokens.weight")));
    }

    [Test]
    public void Gpt2_s_transposed_layers_and_trained_biases_are_merged()
    {
        world.BecomeGpt2();
        world.Weights();
        string adapter = Adapter(c => c with { TargetModules = ModuleSelection.Of("c_attn", "c_fc"), Bias = LoraBiasMode.All });
        var (_, drift) = Merging.Run(world.Model, adapter, world["merged"], device);
        Assert.That(drift.Most, Is.LessThan(1e-4));
        Assert.That(Changed(adapter).Most, Is.GreaterThan(0.1));
    }

    [Test]
    public void A_large_model_is_written_in_shards()
    {
        var (_, drift) = Merging.Run(world.Model, Adapter(), world["merged"], device, shardBytes: 40_000);
        Assert.That(Directory.GetFiles(world["merged"], "model-*.safetensors"), Has.Length.GreaterThan(2));
        Assert.That(File.Exists(Path.Combine(world["merged"], "model.safetensors.index.json")));
        Assert.That(drift.Most, Is.LessThan(1e-4));
    }

    [Test]
    public void The_base_is_never_merged_over_itself()
    {
        byte[] before = File.ReadAllBytes(Path.Combine(world.Model, "model.safetensors"));
        string adapter = Adapter();
        Assert.That(() => Merging.Run(world.Model, adapter, world.Model, device), Throws.TypeOf<CheckpointException>().With.Message.Contains("it holds the base's own weights"));
        Assert.That(File.ReadAllBytes(Path.Combine(world.Model, "model.safetensors")), Is.EqualTo(before));
    }

    /// <summary>A model that came before tokenizer.json keeps its own files, and gets one.</summary>
    [Test]
    public void A_tokenizer_of_two_files_is_saved_by_a_run_and_by_a_merge()
    {
        var before = Tokenizer.Load(world.Model);
        var json = JsonNode.Parse(before.ToJson().Span)!;
        File.WriteAllText(Path.Combine(world.Model, "vocab.json"), json["model"]!["vocab"]!.ToJsonString());
        File.WriteAllText(Path.Combine(world.Model, "merges.txt"), "#version: 0.2\n");
        File.WriteAllText(Path.Combine(world.Model, "added_tokens.json"), """{"<s>":256,"</s>":257,"<pad>":258}""");
        var named = JsonNode.Parse(File.ReadAllText(Path.Combine(world.Model, "tokenizer_config.json")))!;
        named["unk_token"] = "</s>";
        File.WriteAllText(Path.Combine(world.Model, "tokenizer_config.json"), named.ToJsonString());
        File.Delete(Path.Combine(world.Model, "tokenizer.json"));
        var full = world.Recipe(MethodKind.Full, "full");
        Drive.Train(full, device);
        Merging.Run(world.Model, Adapter(), world["merged"], device);
        foreach (string folder in new[] { Path.Combine(full.Output, "final"), world["merged"] })
        {
            Assert.That(Tokenizer.FilesIn(folder), Is.EquivalentTo(new[] { "tokenizer.json", "tokenizer_config.json", "added_tokens.json", "vocab.json", "merges.txt" }));
            foreach (string name in new[] { "vocab.json", "merges.txt", "added_tokens.json" })
                Assert.That(File.ReadAllBytes(Path.Combine(folder, name)), Is.EqualTo(File.ReadAllBytes(Path.Combine(world.Model, name))), name);
            Assert.That(Tokenizer.Load(folder).EncodeIds("<s>a b</s>"), Is.EqualTo(before.EncodeIds("<s>a b</s>")));
            Assert.That(Tokenizer.Load(folder).Config.ChatTemplate, Is.EqualTo(before.Config.ChatTemplate));
        }
    }

    private string Adapter(Func<LoraConfig, LoraConfig>? change = null)
    {
        var recipe = world.Recipe(MethodKind.Lora);
        recipe = recipe with { Lora = recipe.Lora with { Config = (change ?? (c => c))(recipe.Lora.Config) } };
        Drive.Train(recipe, device);
        return Path.Combine(recipe.Output, "final");
    }

    private LogitDrift Changed(string adapter)
    {
        int[][] probes = [[256, 65, 66, 257]];
        using var plain = LoadedModel.Open(world.Model, null, device);
        using var adapted = LoadedModel.Open(world.Model, adapter, device);
        return LogitDrift.Between(Merging.Logits(plain, probes), Merging.Logits(adapted, probes), TinyWorld.Vocabulary);
    }
}
