using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Reference;
using KernelTune.Devices.Shapes;
using KernelTune.Kernels.Numerics;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;
using KernelTune.Training.Tests.Runs;

namespace KernelTune.Training.Tests.Optimizers;

/// <summary>Optimizers with states in 8 bits, and the others beside AdamW, in whole runs.</summary>
public sealed class EightBitOptimizerTests
{
    private static OptimizerSettings[] All { get; } =
    [
        new() { Type = OptimizerKind.AdamW8Bit, LearningRate = 5e-3, WeightDecay = 0.01, Min8BitSize = 256 },
        new() { Type = OptimizerKind.Lion8Bit, LearningRate = 1e-3, Beta2 = 0.99, WeightDecay = 0.1, Min8BitSize = 256 },
        new() { Type = OptimizerKind.Sgd8Bit, LearningRate = 0.1, Momentum = 0.9, Min8BitSize = 256 },
        new() { Type = OptimizerKind.Adam, LearningRate = 5e-3, WeightDecay = 0.01 },
        new() { Type = OptimizerKind.Lion, LearningRate = 1e-3, Beta2 = 0.99 },
        new() { Type = OptimizerKind.Sgd, LearningRate = 0.1 },
        new() { Type = OptimizerKind.Sgd, LearningRate = 0.1, Momentum = 0.9, Dampening = 0.2 },
        new() { Type = OptimizerKind.Sgd, LearningRate = 0.1, Momentum = 0.9, Nesterov = true },
    ];

    [TestCaseSource(nameof(All))]
    public void A_run_that_was_stopped_ends_in_the_same_bits_and_has_learnt(OptimizerSettings optimizer)
    {
        using var world = new TinyWorld();
        var whole = ResumeTests.Hard(world, MethodKind.Full, packing: false, "whole") with { Optimizer = optimizer };
        var (_, events) = Drive.OnCpu(whole);
        double[] losses = Drive.Losses(events);
        Assert.That(losses[^1], Is.LessThan(0.9 * losses[0]));
        foreach (int stop in new[] { 1, 4, 7 })
        {
            var parts = whole with { Output = world[$"parts{stop}"] };
            Drive.OnCpu(parts, stopAt: stop);
            Drive.OnCpu(parts, resume: true);
            Drive.AssertSame(whole.Output, parts.Output, $"stopped at {stop}");
        }
    }

    [Test]
    public void Threads_and_instructions_do_not_change_a_bit()
    {
        using var world = new TinyWorld();
        var one = ResumeTests.Hard(world, MethodKind.Full, packing: true, "one") with { Optimizer = All[0] };
        Drive.OnCpu(one);
        foreach (var (threads, set) in new[] { (3, InstructionSets.Best), (1, InstructionSet.Portable), (2, InstructionSet.Avx2) }.Where(s => InstructionSets.IsSupported(s.Item2)))
        {
            var other = one with { Output = world[$"{threads}{set}"] };
            using var device = new CpuDevice(threads, set);
            Drive.Train(other, device);
            Drive.AssertSame(one.Output, other.Output, $"{threads} threads, {set}");
        }
    }

    [Test]
    public void A_checkpoint_holds_codes_and_magnitudes_and_wants_them_back()
    {
        using var world = new TinyWorld();
        var recipe = world.Recipe(MethodKind.Full) with { Optimizer = All[0], Checkpoint = new CheckpointSettings { Every = 2 } };
        Drive.OnCpu(recipe, stopAt: 2);
        string checkpoint = CheckpointFolders.LastComplete(recipe.Output).Path!, file = Path.Combine(checkpoint, "trainer", "optimizer.safetensors");
        using (var states = SafetensorsFile.Open(file))
        {
            Assert.That(states.Get("state1.model.embed_tokens.weight").Format.Scalar, Is.EqualTo(DType.U8));
            Assert.That(states.Get("state2.model.embed_tokens.weight").Shape, Is.EqualTo(new long[] { 259, 32 }));
            Assert.That(states.Get("absmax1.model.embed_tokens.weight").Shape, Is.EqualTo(new long[] { ((259 * 32) + 255) / 256 }));
            Assert.That(states.Get("state1.model.norm.weight").Format.Scalar, Is.EqualTo(DType.F32), "fewer numbers than min_8bit_size");
            Assert.That(states.TryGet("absmax1.model.norm.weight", out _), Is.False);
        }
        var other = recipe with { Optimizer = recipe.Optimizer with { Type = OptimizerKind.AdamW } };
        Assert.That(() => Drive.OnCpu(other, resume: true), Throws.TypeOf<ResumeException>().With.Message.Contains("adamw8bit"));
    }

    [Test]
    public void Reference_and_cpu_agree_on_a_run()
    {
        using var world = new TinyWorld();
        var recipe = world.Recipe(MethodKind.Full, "cpu") with { Optimizer = All[0] };
        double[] cpu = Drive.Losses(Drive.OnCpu(recipe).Events);
        using var device = new ReferenceDevice();
        double[] reference = Drive.Losses(Drive.Train(recipe with { Output = world["reference"] }, device).Events);
        Assert.That(cpu, Is.EqualTo(reference).Within(2e-3));
    }

    [Test]
    public void The_states_of_a_model_take_two_bytes_a_parameter_and_the_blocks_magnitudes()
    {
        var config = JsonSettings.Parse("config.json", System.Text.Encoding.UTF8.GetBytes("""
            {"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":576,"num_hidden_layers":30,"num_attention_heads":9,"num_key_value_heads":3,"intermediate_size":1536,"vocab_size":49152,
             "max_position_embeddings":8192,"tie_word_embeddings":true,"rms_norm_eps":1e-5}
            """));
        using var cpu = new CpuDevice(2);
        long Bytes(OptimizerKind kind, double momentum = 0)
        {
            using var shapes = new ShapesDevice(cpu);
            using var model = new TrainableModel(new Recipe { Method = MethodKind.Full, Optimizer = new OptimizerSettings { Type = kind, Momentum = momentum } }, config, shapes);
            Assert.That(model.TrainableElements, Is.EqualTo(134_515_008));
            return shapes.Ledger.CurrentOf(Category.OptimizerState);
        }

        const double N = 134_515_008;
        Assert.That(Bytes(OptimizerKind.AdamW8Bit) / (N * (2 + (8.0 / 256))), Is.EqualTo(1).Within(0.01));
        Assert.That(Bytes(OptimizerKind.Lion8Bit) / (N * (1 + (4.0 / 256))), Is.EqualTo(1).Within(0.01));
        Assert.That(Bytes(OptimizerKind.Sgd8Bit, 0.9) / (N * (1 + (4.0 / 256))), Is.EqualTo(1).Within(0.01));
        Assert.That(Bytes(OptimizerKind.AdamW) / (N * 8), Is.EqualTo(1).Within(0.01));
        Assert.That(Bytes(OptimizerKind.Sgd), Is.LessThan(64 << 10));
    }

    [Test]
    public void What_was_foreseen_is_what_was_taken()
    {
        using var world = new TinyWorld();
        var recipe = world.Recipe(MethodKind.Full) with { Optimizer = All[0] };
        using var device = new CpuDevice(1);
        using var shapes = new ShapesDevice(device);
        using var run = TrainingRun.Open(new RunRequest(recipe), device);
        MemoryPlan plan = run.Plan(shapes);
        run.Start();
        TrainingLoop.Run(run);
        Assert.That(plan.PeakByCategory[(int)Category.OptimizerState], Is.EqualTo(device.Ledger.AtPeak()[(int)Category.OptimizerState]));
        Assert.That(device.Ledger.Peak, Is.EqualTo(plan.Peak).Within(2).Percent);
    }
}
