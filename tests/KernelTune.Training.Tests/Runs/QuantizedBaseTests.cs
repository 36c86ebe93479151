using KernelTune.Data;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Reference;
using KernelTune.Devices.Shapes;
using KernelTune.Kernels.Numerics;
using KernelTune.Text;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Training.Tests.Runs;

/// <summary>Runs over a frozen base that is kept in fewer bits.</summary>
public sealed class QuantizedBaseTests
{
    private TinyWorld world = null!;

    [SetUp]
    public void SetUp() => world = new TinyWorld();

    [TearDown]
    public void TearDown() => world.Dispose();

    [TestCase(BaseStorageKind.Nf4, false)]
    [TestCase(BaseStorageKind.Nf4, true)]
    [TestCase(BaseStorageKind.Fp4, false)]
    public void Lora_learns_over_four_bits_as_the_reference_does(BaseStorageKind kind, bool isDouble)
    {
        var recipe = Recipe(new QuantizationSettings(kind, isDouble), "cpu");
        double[] cpu;
        using (var device = new CpuDevice(2))
        {
            var (result, events) = Drive.Train(recipe, device);
            cpu = Drive.Losses(events);
            Assert.That(result.LastEvaluation, Is.LessThan(result.FirstEvaluation!.Value - 0.3));
            // Panels of 32 rows (k's and v's 16 are padded): 5 bits a number where a row has 32 columns, 4.5 where it has 64 (down); 16 levels a matrix.
            const long Expected = (14 * 64) + (2 * (((4 * 32 * 32) + (2 * 64 * 32)) * 5 / 8)) + (2 * (32 * 64 * 9 / 16));
            Assert.That(device.Ledger.AtPeak()[(int)Category.QuantizedWeights], Is.EqualTo(Expected));
        }
        using var reference = new ReferenceDevice();
        var (_, same) = Drive.Train(recipe with { Output = world["reference"] }, reference);
        Assert.That(cpu, Is.EqualTo(Drive.Losses(same)).Within(2e-4));
    }

    [Test]
    public void A_stopped_run_over_four_bits_goes_on_to_the_same_bits()
    {
        var recipe = Recipe(new QuantizationSettings(BaseStorageKind.Nf4), "whole");
        Drive.OnCpu(recipe);
        var stopped = recipe with { Output = world["stopped"] };
        Drive.OnCpu(stopped, stopAt: 3);
        Drive.OnCpu(stopped, resume: true);
        Drive.AssertSame(recipe.Output, stopped.Output, "resumed");
    }

    [TestCase(BaseStorageKind.BFloat16, DType.BF16)]
    [TestCase(BaseStorageKind.Float16, DType.F16)]
    [TestCase(BaseStorageKind.File, DType.BF16)]
    public void A_base_of_16_bits_is_kept_in_16_and_the_run_is_that_of_fp32(BaseStorageKind kind, DType stored)
    {
        world.Weights(type: stored);
        var plain = Recipe(null, "plain");
        var half = Recipe(new QuantizationSettings(kind), "half");
        long whole = Weights(plain), less = Weights(half);
        Drive.AssertSame(plain.Output, half.Output, "16 bits");
        Assert.That(less, Is.LessThan(0.6 * whole), "bytes of the base's weights");
    }

    [TestCase(DType.F32, false)]
    [TestCase(DType.BF16, false)]
    [TestCase(DType.F16, true)]
    public void A_checkpoint_in_four_bits_stays_so_and_trains_as_on_the_reference(DType original, bool isDouble)
    {
        InFourBits(original, isDouble);
        var recipe = Recipe(null, "cpu");
        double[] cpu;
        using (var device = new CpuDevice(2))
        {
            var (result, events) = Drive.Train(recipe, device);
            cpu = Drive.Losses(events);
            Assert.That(result.LastEvaluation, Is.LessThan(result.FirstEvaluation!.Value - 0.3));
            Assert.That(device.Ledger.AtPeak()[(int)Category.QuantizedWeights], Is.GreaterThan(0));
        }
        using var reference = new ReferenceDevice();
        var (_, same) = Drive.Train(recipe with { Output = world["reference"] }, reference);
        Assert.That(cpu, Is.EqualTo(Drive.Losses(same)).Within(2e-4));
    }

    [Test]
    public void A_damaged_state_is_named()
    {
        InFourBits(DType.F32, false, text => text.Replace("[32, 32]", "[32, -1]", StringComparison.Ordinal));
        using var device = new CpuDevice(1);
        Assert.That(() => Drive.Train(Recipe(null, "run"), device), Throws.TypeOf<CheckpointException>().With.Message.Contains("quant_state").And.Message.Contains("-1 was found, a length wanted"));
    }

    [Test]
    public void A_gguf_base_stays_in_its_blocks_and_the_run_is_that_of_fp32()
    {
        InGguf();
        var plain = Recipe(null, "plain");
        var blocks = Recipe(new QuantizationSettings(BaseStorageKind.File), "blocks");
        Drive.OnCpu(plain);
        using (var device = new CpuDevice(1))
        {
            Drive.Train(blocks, device);
            long[] peak = device.Ledger.AtPeak();
            // Q4_1 takes 20 bytes, Q8_0 34 bytes for 32 numbers; panels of fp32 would take 128.
            Assert.That(peak[(int)Category.QuantizedWeights], Is.EqualTo((2L * ((2 * 32 * 32) + (2 * 16 * 32) + (3 * 32 * 64)) / 32 * 20) + (TinyWorld.Vocabulary * 34)));
        }
        Drive.AssertSame(plain.Output, blocks.Output, "GGUF's blocks");
    }

    [Test]
    public void Full_training_keeps_no_base_in_fewer_bits()
    {
        var recipe = Recipe(new QuantizationSettings(BaseStorageKind.Nf4), "run") with { Method = MethodKind.Full };
        using var device = new CpuDevice(1);
        Assert.That(() => TrainingRun.Open(new RunRequest(recipe), device), Throws.TypeOf<RecipeException>().With.Message.StartsWith("quantization: only a frozen base"));
    }

    [TestCase(BaseStorageKind.Nf4, false)]
    [TestCase(BaseStorageKind.Nf4, true)]
    [TestCase(BaseStorageKind.BFloat16, false)]
    [TestCase(BaseStorageKind.File, true)]
    public void A_device_that_keeps_weights_dense_has_a_plan_too(BaseStorageKind kind, bool transposed)
    {
        if (transposed)
            world.BecomeGpt2();
        world.Weights(type: kind == BaseStorageKind.File ? DType.BF16 : DType.F32);
        var recipe = Recipe(new QuantizationSettings(kind), "run");
        using var device = new ReferenceDevice();
        using var shapes = new ShapesDevice(device);
        using var run = TrainingRun.Open(new RunRequest(recipe), device);
        var plan = run.Plan(shapes);
        run.Start();
        TrainingLoop.Run(run);
        Assert.That(device.Ledger.Peak, Is.EqualTo(plan.Peak));
    }

    // Linear layers as bitsandbytes saves them; table and norms as they were.
    private void InFourBits(DType original, bool isDouble, Func<string, string>? state = null)
    {
        string path = Path.Combine(world.Model, "model.safetensors"), moved = world["plain.safetensors"];
        File.Move(path, moved);
        using var plain = SafetensorsFile.Open(moved);
        var tensors = new List<TensorToSave>();
        foreach (string name in plain.Names)
        {
            var info = plain.Get(name);
            if (info.Shape.Length < 2 || name.Contains("embed", StringComparison.Ordinal))
                tensors.Add(TensorToSave.Copy(plain, name));
            else
                tensors.AddRange(FourBitState.ToSave(name, FourBitWeight.Quantize(FourBitType.Nf4, plain.ReadF32(name), info.Shape, 64, isDouble, original)));
        }
        SafetensorsWriter.Save(path, tensors);
        if (state is not null)
        {
            var latin = System.Text.Encoding.Latin1;
            File.WriteAllBytes(path, latin.GetBytes(state(latin.GetString(File.ReadAllBytes(path)))));
        }
    }

    /// <summary>A GGUF file alone is a model with its tokenizer: what a run and a merge save beside the weights is that tokenizer, in a folder that Transformers reads.</summary>
    [Test]
    public void A_gguf_brings_its_tokenizer_into_what_is_saved()
    {
        var before = Tokenizer.Load(world.Model);
        InGguf(new("tokenizer.ggml.model", "gpt2"), new("tokenizer.ggml.pre", "gpt-2"), new("tokenizer.ggml.tokens", Enumerable.Range(0, TinyWorld.Vocabulary).Select(id => before.IdToToken(id)!).ToArray()),
            new("tokenizer.ggml.token_type", Enumerable.Range(0, TinyWorld.Vocabulary).Select(id => id < 256 ? 1 : 3).ToArray()), new("tokenizer.ggml.merges", Array.Empty<string>()),
            new("tokenizer.ggml.bos_token_id", 256u), new("tokenizer.ggml.eos_token_id", 257u), new("tokenizer.ggml.padding_token_id", 258u));
        File.Delete(Path.Combine(world.Model, "tokenizer.json"));
        File.Delete(Path.Combine(world.Model, "tokenizer_config.json"));
        var recipe = Recipe(null, "run");
        using var device = new CpuDevice(1);
        Drive.Train(recipe, device);
        string final = Path.Combine(recipe.Output, "final");
        Merging.Run(world.Model, final, world["merged"], device);
        foreach (string folder in new[] { final, world["merged"] })
        {
            var after = Tokenizer.Load(folder);
            Assert.That(after.EncodeIds("<s>some text</s>"), Is.EqualTo(before.EncodeIds("<s>some text</s>")));
            Assert.That((after.BosId, after.EosId, after.PadId, after.VocabSize), Is.EqualTo((256, 257, 258, TinyWorld.Vocabulary)));
            Assert.That(Tokenizer.FilesIn(folder), Is.EquivalentTo(new[] { "tokenizer.json", "tokenizer_config.json" }));
        }
    }

    // Matrices in Q4_1, the table in Q8_0, norms in F32, under llama.cpp's names and with its order of q's and k's rows.
    private void InGguf(params KeyValuePair<string, object>[] tokenizer)
    {
        string path = Path.Combine(world.Model, "model.safetensors"), moved = world["plain.safetensors"];
        File.Move(path, moved);
        using var plain = SafetensorsFile.Open(moved);
        var tensors = new List<TensorToSave>();
        foreach (string name in plain.Names)
        {
            var info = plain.Get(name);
            float[] numbers = plain.ReadF32(name);
            var format = info.Shape.Length < 2 ? WeightFormats.F32 : name.Contains("embed", StringComparison.Ordinal) ? WeightFormats.Q8_0 : WeightFormats.Q4_1;
            if (name.Contains("q_proj", StringComparison.Ordinal) || name.Contains("k_proj", StringComparison.Ordinal))
                numbers = HeadsInterleaved(numbers, 32);
            tensors.Add(new TensorToSave(GgufName(name), format, info.Shape, sink => sink.Write(numbers)));
        }
        GgufWriter.Save(Path.Combine(world.Model, "model.gguf"),
            [new("general.architecture", "llama"), new("llama.attention.head_count", 4u), new("llama.attention.head_count_kv", 2u), .. tokenizer], tensors);
    }

    // Row j of the first half of a head (8 rows) and row j of the second become neighbours.
    private static float[] HeadsInterleaved(float[] rows, int width)
    {
        var turned = new float[rows.Length];
        for (int r = 0; r < rows.Length / width; r++)
        {
            int head = r / 8, within = r % 8, to = (head * 8) + (2 * (within % 4)) + (within / 4);
            rows.AsSpan(r * width, width).CopyTo(turned.AsSpan(to * width));
        }
        return turned;
    }

    private static string GgufName(string name)
    {
        foreach (var (theirs, ggufs) in new[]
        {
            ("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("model.layers.", "blk."), ("input_layernorm", "attn_norm"), ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"),
            ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"), ("post_attention_layernorm", "ffn_norm"), ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
        })
            name = name.Replace(theirs, ggufs, StringComparison.Ordinal);
        return name;
    }

    private Recipe Recipe(QuantizationSettings? quantization, string output)
    {
        var recipe = world.Recipe(MethodKind.Lora, output);
        return recipe with { Quantization = quantization, Data = recipe.Data with { Validation = [new DataFile(world["held.jsonl"])] } };
    }

    private static long Weights(Recipe recipe)
    {
        using Device device = new CpuDevice(1);
        Drive.Train(recipe, device);
        return device.Ledger.AtPeak()[(int)Category.Weights];
    }
}
