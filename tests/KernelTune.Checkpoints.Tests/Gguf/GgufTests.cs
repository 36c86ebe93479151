namespace KernelTune.Checkpoints.Tests;

public sealed class GgufTests
{
    private ScratchFolder _scratch = null!;

    [SetUp]
    public void SetUp() => _scratch = new ScratchFolder();

    [TearDown]
    public void TearDown() => _scratch.Dispose();

    [Test]
    public void Every_type_of_value_comes_back()
    {
        var metadata = new Dictionary<string, object>
        {
            ["u8"] = (byte)200, ["i8"] = (sbyte)-3, ["u16"] = (ushort)60000, ["i16"] = (short)-300, ["u32"] = 4_000_000_000u, ["i32"] = -5,
            ["f32"] = 0.1f, ["bool"] = true, ["text"] = "äöü 🙂", ["u64"] = ulong.MaxValue, ["i64"] = long.MinValue, ["f64"] = 0.1,
            ["strings"] = new[] { "a", "", "c" }, ["ints"] = new[] { 1, -2 }, ["floats"] = new[] { 1.5f }, ["bools"] = new[] { true, false },
            ["bytes"] = new byte[] { 1, 2 }, ["longs"] = new[] { 1UL << 63 }, ["nested"] = new object[] { new[] { 1, 2 }, new[] { "x" } },
        };
        GgufWriter.Save(_scratch["x.gguf"], metadata, []);
        using var file = GgufFile.Open(_scratch["x.gguf"]);
        Assert.That(file.Version, Is.EqualTo(3));
        Assert.That(file.Metadata, Is.EqualTo(metadata));
        Assert.That(file.Metadata.Select(m => m.Value.GetType()), Is.EqualTo(metadata.Select(m => m.Value.GetType())));
        Assert.That((file.Integer("i8"), file.Integer("u32"), file.Integer("absent"), file.Real("f64"), file.Text("text")), Is.EqualTo(((long?)-3, (long?)4_000_000_000, (long?)null, (double?)0.1, "äöü 🙂")));
        Assert.That(Assert.Throws<CheckpointException>(() => file.Integer("text"))!.Message, Does.Contain("key \"text\": String \"äöü \\ud83d\\ude42\" was found, an integer wanted"));
    }

    [Test]
    public void Tensors_come_back_bit_for_bit_in_every_format()
    {
        var values = Enumerable.Range(0, 6 * 64).Select(i => MathF.Sin(i)).ToArray();
        var formats = new[] { WeightFormats.F32, WeightFormats.F16, WeightFormats.BF16, WeightFormats.Q4_0, WeightFormats.Q4_1, WeightFormats.Q5_0, WeightFormats.Q5_1, WeightFormats.Q8_0 };
        GgufWriter.Save(_scratch["x.gguf"], [], formats.Select(f => new TensorToSave(f.Name, f, [6, 64], s => s.Write(values))));
        using var file = GgufFile.Open(_scratch["x.gguf"]);
        Assert.That(file.Names, Is.EqualTo(formats.Select(f => f.Name)));
        foreach (var format in formats)
        {
            var codes = new byte[6 * 64 / format.BlockElements * format.BlockBytes];
            format.Encode(values, codes);
            Assert.That(file.ReadRaw(format.Name), Is.EqualTo(codes), format.Name);
            Assert.That(file.Get(format.Name).Shape, Is.EqualTo(new[] { 6L, 64L }));
            Assert.That(((GgufTensor)file.Get(format.Name)).Offset % 32, Is.EqualTo(0));
            var decoded = new float[6 * 64];
            format.Decode(codes, decoded);
            var rows = new float[128];
            file.ReadF32Rows(format.Name, 3, 2, rows);
            Assert.That(rows, Is.EqualTo(decoded[192..320]), format.Name);
        }
    }

    [Test]
    public void Rows_of_query_and_key_are_put_back_in_hugging_faces_order()
    {
        // Two query heads and one key head of size 4: row r of the file holds the number of the Hugging Face row that lies there.
        var inFile = new float[] { 0, 2, 1, 3, 4, 6, 5, 7 };
        var q = inFile.SelectMany(r => Enumerable.Repeat(r, 32)).ToArray();
        GgufWriter.Save(_scratch["x.gguf"], Metadata("llama", 2, 1),
        [
            new TensorToSave("blk.0.attn_q.weight", WeightFormats.Q8_0, [8, 32], s => s.Write(q)),
            TensorToSave.Of("blk.0.attn_q.bias", [8], inFile),
            TensorToSave.Of("blk.0.attn_k.weight", [4, 1], inFile.AsMemory(0, 4)),
            TensorToSave.Of("blk.0.attn_v.weight", [4, 1], inFile.AsMemory(0, 4)),
            TensorToSave.Of("rope_freqs.weight", [1], new float[1]),
        ]);
        using var weights = GgufWeights.Of(GgufFile.Open(_scratch["x.gguf"]));
        const string layer = "model.layers.0.self_attn.";
        Assert.That(weights.Names, Is.EqualTo(new[] { layer + "q_proj.weight", layer + "q_proj.bias", layer + "k_proj.weight", layer + "v_proj.weight" }));
        Assert.That(weights.Unmapped, Is.EqualTo(new[] { "rope_freqs.weight" }));
        Assert.That(weights.ReadF32(layer + "q_proj.bias"), Is.EqualTo(new float[] { 0, 1, 2, 3, 4, 5, 6, 7 }));
        Assert.That(weights.ReadF32(layer + "k_proj.weight"), Is.EqualTo(new float[] { 0, 1, 2, 3 }));
        Assert.That(weights.ReadF32(layer + "v_proj.weight"), Is.EqualTo(new float[] { 0, 2, 1, 3 }));

        var whole = weights.ReadF32(layer + "q_proj.weight");
        Assert.That(whole.Where((_, i) => i % 32 == 0).Select(v => MathF.Round(v)), Is.EqualTo(new float[] { 0, 1, 2, 3, 4, 5, 6, 7 }));
        var raw = weights.ReadRaw(layer + "q_proj.weight");
        for (var start = 0; start < 8; start++)
        {
            for (var count = 1; start + count <= 8; count++)
            {
                var rows = new float[count * 32];
                weights.ReadF32Rows(layer + "q_proj.weight", start, count, rows);
                Assert.That(rows, Is.EqualTo(whole[(start * 32)..((start + count) * 32)]));
                var bytes = new byte[count * 34];
                weights.ReadRawRows(layer + "q_proj.weight", start, count, bytes);
                Assert.That(bytes, Is.EqualTo(raw[(start * 34)..((start + count) * 34)]));
            }
        }
    }

    [Test]
    public void Qwen2_is_not_permuted()
    {
        GgufWriter.Save(_scratch["x.gguf"], Metadata("qwen2", 1, 1), [TensorToSave.Of("blk.0.attn_q.weight", [4, 1], new float[] { 0, 1, 2, 3 })]);
        using var weights = GgufWeights.Of(GgufFile.Open(_scratch["x.gguf"]));
        Assert.That(weights.ReadF32("model.layers.0.self_attn.q_proj.weight"), Is.EqualTo(new float[] { 0, 1, 2, 3 }));
    }

    [Test]
    public void An_architecture_without_a_table_and_head_counts_that_do_not_fit_are_named()
    {
        GgufWriter.Save(_scratch["x.gguf"], Metadata("mamba", 1, 1), []);
        using (var file = GgufFile.Open(_scratch["x.gguf"]))
            Assert.That(Assert.Throws<CheckpointException>(() => GgufWeights.Of(file))!.Message, Does.EndWith("architecture \"mamba\" was found, one of llama, qwen2, bert wanted"));

        GgufWriter.Save(_scratch["y.gguf"], Metadata("llama", 3, 1), [TensorToSave.Of("blk.0.attn_q.weight", [4, 1], new float[4])]);
        using (var file = GgufFile.Open(_scratch["y.gguf"]))
            Assert.That(Assert.Throws<CheckpointException>(() => GgufWeights.Of(file))!.Message, Does.Contain("3 heads were found (llama.attention.head_count)"));
    }

    internal static Dictionary<string, object> Metadata(string architecture, uint heads, uint keyHeads) => new()
    {
        ["general.architecture"] = architecture,
        [architecture + ".attention.head_count"] = heads,
        [architecture + ".attention.head_count_kv"] = keyHeads,
    };
}
