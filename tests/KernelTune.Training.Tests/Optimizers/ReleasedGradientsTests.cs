using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Shapes;
using KernelTune.Kernels.Elementwise;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;
using KernelTune.Training.Tests.Runs;

namespace KernelTune.Training.Tests.Optimizers;

/// <summary>Gradients that are given back within the backward pass: the numbers of the ordinary way, in less memory.</summary>
public sealed class ReleasedGradientsTests
{
    private static Recipe Recipe(TinyWorld world, MethodKind method, string output, double? maxNorm, bool checkpointing = false, OptimizerKind optimizer = OptimizerKind.AdamW)
    {
        Recipe recipe = ResumeTests.Hard(world, method, packing: false, output);
        return recipe with
        {
            Optimizer = recipe.Optimizer with { Type = optimizer, WeightDecay = 0.01, Min8BitSize = 256 },
            Training = recipe.Training with { GradientAccumulationSteps = 1, MaxGradNorm = maxNorm, ActivationCheckpointing = new ActivationCheckpointing(checkpointing) },
        };
    }

    // A norm that is never reached clips by the factor 1: the ordinary way, with all gradients held.
    [Test]
    public void They_give_the_bits_of_the_ordinary_way([ValueSource(typeof(TinyWorld), nameof(TinyWorld.Methods))] MethodKind method, [Values] bool checkpointing)
    {
        using var world = new TinyWorld();
        Recipe ordinary = Recipe(world, method, "ordinary", 1e30, checkpointing), released = Recipe(world, method, "released", null, checkpointing);
        Assert.That((ordinary.Training.ReleasesGradients, released.Training.ReleasesGradients), Is.EqualTo((false, true)));
        Drive.OnCpu(ordinary);
        Drive.OnCpu(released);
        Drive.AssertSame(ordinary.Output, released.Output, "norms too: they stand in metrics.jsonl");
    }

    [TestCase(OptimizerKind.AdamW8Bit)]
    [TestCase(OptimizerKind.Lion)]
    public void So_do_other_optimizers(OptimizerKind kind)
    {
        using var world = new TinyWorld();
        Recipe ordinary = Recipe(world, MethodKind.Full, "ordinary", 1e30, optimizer: kind), released = Recipe(world, MethodKind.Full, "released", null, optimizer: kind);
        Drive.OnCpu(ordinary);
        Drive.OnCpu(released);
        Drive.AssertSame(ordinary.Output, released.Output, $"{kind}");
    }

    [Test]
    public void A_run_that_was_stopped_ends_in_the_same_bits()
    {
        using var world = new TinyWorld();
        Recipe whole = Recipe(world, MethodKind.Full, "whole", null, optimizer: OptimizerKind.AdamW8Bit);
        Drive.OnCpu(whole);
        foreach (int stop in new[] { 1, 5 })
        {
            Recipe parts = whole with { Output = world[$"parts{stop}"] };
            Drive.OnCpu(parts, stopAt: stop);
            Drive.OnCpu(parts, resume: true);
            Drive.AssertSame(whole.Output, parts.Output, $"stopped at {stop}");
        }
    }

    [Test]
    public void What_was_foreseen_is_what_was_taken_and_far_less_than_all_gradients([Values] bool checkpointing)
    {
        using var world = new TinyWorld();
        using var device = new CpuDevice(1);
        using var shapes = new ShapesDevice(device);
        using var run = TrainingRun.Open(new RunRequest(Recipe(world, MethodKind.Full, "run", null, checkpointing)), device);
        MemoryPlan plan = run.Plan(shapes);
        run.Start();
        long most = 0, held = 0;
        device.Ledger.Events += e =>
        {
            held += e.Category == Category.Gradients ? e.Bytes : 0;
            most = Math.Max(most, held);
        };
        TrainingLoop.Run(run);
        Assert.That(held, Is.Zero);
        Assert.That(device.Ledger.Peak, Is.EqualTo(plan.Peak).Within(2).Percent);
        Assert.That(plan.PeakByCategory[(int)Category.Gradients], Is.EqualTo(device.Ledger.AtPeak()[(int)Category.Gradients]));

        // The head is tied to the embedding, whose gradient is final last; of the rest a layer's part at most is held.
        long all = run.Model.TrainableElements * sizeof(float), table = TinyWorld.Vocabulary * 32 * sizeof(float);
        Assert.That(most, Is.GreaterThanOrEqualTo(table).And.LessThan(table + ((all - table) / 2)));
    }

    [Test]
    public void A_gradient_is_final_after_its_first_use()
    {
        using var device = new CpuDevice(1);
        var (shared, once) = (new Parameter("shared", new Shape(3)) { Trainable = true }, new Parameter("once", new Shape(3)) { Trainable = true });
        shared.Load(device, [1, 2, 3]);
        once.Load(device, [4, 5, 6]);
        using (var store = new GradientStore(device, [shared, once], released: true))
        using (var session = new Session(device, store))
        {
            var taken = new List<(string Path, float[] Gradient, int TapeLeft)>();
            store.Consumer = i =>
            {
                var gradient = new float[3];
                device.Read<float>(store.Of(store.Parameters[i]), gradient);
                taken.Add((store.Parameters[i].Path, gradient, session.TapeLength));
            };
            using (session.Enter())
            {
                var product = Binary.Apply<Mul>(Leaf.Apply(session, shared), Leaf.Apply(session, once));
                session.Backward([Binary.Apply<Mul>(product, Leaf.Apply(session, shared))], [session.Upload<float>([1, 1, 1], new Shape(3), device.Real)]);
            }
            Assert.That(taken.Select(t => t.Path), Is.EqualTo(new[] { "once", "shared" }), "s·o·s: s is used first and last, so its gradient is final last");
            Assert.That(taken[0].TapeLeft, Is.EqualTo(1), "only the first use of s is left");
            Assert.That(taken.Single(t => t.Path == "shared").Gradient, Is.EqualTo(new float[] { 8, 20, 36 }));
            Assert.That(taken.Single(t => t.Path == "once").Gradient, Is.EqualTo(new float[] { 1, 4, 9 }));
        }
        shared.Dispose();
        once.Dispose();
        Assert.That(device.Outstanding, Is.Zero);
    }

    [Test]
    public void A_norm_over_all_gradients_and_micro_batches_are_refused()
    {
        using var world = new TinyWorld();
        Assert.That(Recipe(world, MethodKind.Full, "run", null).Training with { GradientAccumulationSteps = 2 }, Has.Property(nameof(TrainingSettings.ReleasesGradients)).False);
        using var device = new CpuDevice(1);
        using var store = new GradientStore(device, [], released: true);
        Assert.That(() => new Training.Optimizers.Optimizer(store, [], new OptimizerSettings(), 1), Throws.ArgumentException.With.Message.Contains("no norm before the first update"));
    }
}
