namespace KernelTune.Checkpoints.Tests;

/// <summary>The real files of the models' folder.</summary>
public sealed class RealGgufTests
{
    [Test]
    public void SmolLm2_is_read_under_hugging_faces_names()
    {
        using var model = HuggingFaceFolder.Open(Shared.Model("smollm2-135m-instruct"));
        Assert.That(model.Weights.Names, Has.Count.EqualTo(272));
        Assert.That(((GgufWeights)model.Weights).Unmapped, Is.Empty);
        var infos = model.Weights.Names.Select(n => model.Weights.Get(n)).ToList();
        Assert.That(infos.Sum(i => i.Elements), Is.EqualTo(134_515_008));
        Assert.That(infos.CountBy(i => i.Format.Name).ToDictionary(), Is.EquivalentTo(new Dictionary<string, int> { ["Q4_1"] = 210, ["Q8_0"] = 1, ["F32"] = 61 }));
        Assert.That(model.Weights.NativeDType, Is.EqualTo("Q4_1"));
        Assert.That(model.Weights.Get("model.embed_tokens.weight").Shape, Is.EqualTo(new[] { 49152L, 576L }));
        Assert.That(model.Weights.Get("model.layers.29.mlp.down_proj.weight").Shape, Is.EqualTo(new[] { 576L, 1536L }));
        Assert.That(model.Config.String("model_type"), Is.EqualTo("llama"));
        Assert.That(model.GenerationConfig, Is.Not.Null);
        Assert.That(((string[])model.Gguf!.Metadata["tokenizer.ggml.tokens"])[1], Is.EqualTo("<|im_start|>"));
        Assert.That(((string[])model.Gguf.Metadata["tokenizer.ggml.merges"]), Has.Length.EqualTo(48_900));

        var expected = Enumerable.Range(0, 30).SelectMany(n => new[]
        {
            "input_layernorm", "post_attention_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
            "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
        }.Select(m => $"model.layers.{n}.{m}.weight")).Concat(["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"]);
        Assert.That(StrictKeys.Check(expected, new HashSet<string>(), new Dictionary<string, string> { ["lm_head.weight"] = "model.embed_tokens.weight" }, model.Weights), Is.Empty);
    }

    [Test]
    public void SmolLm2s_config_out_of_the_gguf_alone_is_the_one_beside_it()
    {
        var folder = Shared.Model("smollm2-135m-instruct");
        using var scratch = new ScratchFolder();
        File.CreateSymbolicLink(scratch["model.gguf"], Path.Combine(folder, "SmolLM2-135M-Instruct.Q4_1.gguf"));
        using var model = HuggingFaceFolder.Open(scratch["model.gguf"]);
        var beside = JsonSettings.Read(Path.Combine(folder, "config.json"));
        foreach (var key in new[] { "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "max_position_embeddings", "vocab_size", "bos_token_id", "eos_token_id", "pad_token_id" })
            Assert.That(model.Config.Int(key), Is.EqualTo(beside.Int(key)), key);
        Assert.That(model.Config.Double("rms_norm_eps"), Is.EqualTo(1e-5));
        Assert.That(model.Config.Double("rope_theta"), Is.EqualTo(100_000));
        Assert.That(model.Config.Bool("tie_word_embeddings", false), Is.True);
        Assert.That(model.Config.String("model_type"), Is.EqualTo("llama"));
    }

    /// <summary>
    /// The NF4 codes of a key projection, which PyTorch made of the dequantised weight in Hugging Face's row order: they agree only where every
    /// one of its 110,592 numbers and the order of its rows do.
    /// </summary>
    [Test]
    public void SmolLm2s_key_projection_is_the_one_that_pytorch_saw()
    {
        using var golden = SafetensorsFile.Open(Shared.Golden("real", "smollm2_qlora", "expected.safetensors"));
        using var tables = SafetensorsFile.Open(Shared.Golden("quantization", "code_tables.safetensors"));
        using var model = HuggingFaceFolder.Open(Shared.Model("smollm2-135m-instruct"));
        var weight = model.Weights.ReadF32("model.layers.0.self_attn.k_proj.weight");
        var absmax = golden.ReadF32("sample.absmax");
        var packed = golden.ReadRaw("sample.packed");
        var table = tables.ReadF32("out.nf4");
        var midpoints = table.Zip(table.Skip(1), (a, b) => (a + b) / 2).ToArray();
        Assert.That(weight, Has.Length.EqualTo(64 * absmax.Length));
        for (var i = 0; i < weight.Length; i++)
        {
            if (i % 64 == 0)
                Assert.That(weight.AsSpan(i, 64).ToArray().Max(MathF.Abs), Is.EqualTo(absmax[i / 64]));
            var scaled = weight[i] * (1 / absmax[i / 64]);
            var code = midpoints.Count(m => m < scaled);
            Assert.That(code, Is.EqualTo(i % 2 == 0 ? packed[i / 2] >> 4 : packed[i / 2] & 15), $"element {i}");
        }
    }

    [Test]
    public void MiniLm_is_read_under_hugging_faces_names()
    {
        using var model = HuggingFaceFolder.Open(Shared.Model("all-minilm-l6-v2"));
        Assert.That(((GgufWeights)model.Weights).Unmapped, Is.Empty);
        Assert.That(model.Weights.Names.Sum(n => model.Weights.Get(n).Elements), Is.EqualTo(22_713_216));
        Assert.That(model.Weights.Get("encoder.layer.5.attention.self.query.weight").Shape, Is.EqualTo(new[] { 384L, 384L }));
        Assert.That(WeightScan.NonFinite(model.Weights), Is.Empty);
    }

    [Test]
    public void A_real_file_is_written_again_byte_for_byte()
    {
        using var scratch = new ScratchFolder();
        var path = Shared.Model("smollm2-135m-instruct", "SmolLM2-135M-Instruct.Q4_1.gguf");
        using var file = GgufFile.Open(path);
        GgufWriter.Save(scratch["again.gguf"], file.Metadata, file.Names.Select(n => TensorToSave.Copy(file, n)));
        using var again = File.OpenRead(scratch["again.gguf"]);
        using var first = File.OpenRead(path);
        Assert.That(System.Security.Cryptography.SHA256.HashData(again), Is.EqualTo(System.Security.Cryptography.SHA256.HashData(first)));
    }
}
