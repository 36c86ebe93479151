using KernelTune.Devices.Cpu;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Shapes;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Training.Tests.Runs;

/// <summary>Activation checkpointing changes memory and nothing else.</summary>
public sealed class RecomputationTests
{
    private TinyWorld world = null!;

    [SetUp]
    public void SetUp() => world = new TinyWorld();

    [TearDown]
    public void TearDown() => world.Dispose();

    [TestCaseSource(typeof(TinyWorld), nameof(TinyWorld.Methods))]
    public void A_run_ends_in_the_same_bits(MethodKind method)
    {
        var plain = With(method, default, "plain");
        var again = With(method, new ActivationCheckpointing(true), "again");
        long kept = Peak(plain), recomputed = Peak(again);
        Drive.AssertSame(plain.Output, again.Output, method.ToString());
        Assert.That(recomputed, Is.LessThan(0.9 * kept), "activations at the peak");
    }

    [Test]
    public void What_is_foreseen_is_what_is_taken()
    {
        var recipe = With(MethodKind.Lora, new ActivationCheckpointing(true), "run");
        using var device = new CpuDevice(1);
        using var run = TrainingRun.Open(new RunRequest(recipe), device);
        using var shapes = new ShapesDevice(device);
        var plan = run.Plan(shapes);
        run.Start();
        TrainingLoop.Run(run);
        Assert.That(device.Ledger.Peak, Is.EqualTo(plan.Peak));
        Assert.That(device.Touched, Is.EqualTo(plan.Touched));
    }

    [Test]
    public void A_budget_recomputes_no_more_than_it_must()
    {
        long none = Foreseen(default, out _), all = Foreseen(new ActivationCheckpointing(true), out int blocks);
        Assert.That(blocks, Is.EqualTo(4), "two a layer");
        long half = Foreseen(new ActivationCheckpointing(false, (none + all) / 2), out int some);
        Assert.That(half, Is.LessThanOrEqualTo((none + all) / 2));
        Assert.That(some, Is.InRange(1, 3));
        Foreseen(new ActivationCheckpointing(false, none), out int zero);
        Assert.That(zero, Is.Zero);
        Assert.That(() => Foreseen(new ActivationCheckpointing(false, all - 1), out _),
            Throws.TypeOf<RecipeException>().With.Message.Contains("with all 4 blocks computed again the activations still take"));
    }

    private long Foreseen(ActivationCheckpointing setting, out int blocks)
    {
        using var device = new CpuDevice(1);
        using var run = TrainingRun.Open(new RunRequest(With(MethodKind.Lora, setting, "run")), device);
        using var shapes = new ShapesDevice(device);
        blocks = run.Recomputed;
        return run.Plan(shapes).PeakByCategory[(int)Category.Activations];
    }

    private Recipe With(MethodKind method, ActivationCheckpointing setting, string output)
    {
        var recipe = world.Recipe(method, output);
        return recipe with
        {
            Lora = recipe.Lora with { Config = recipe.Lora.Config with { LoraDropout = 0.2 } },
            Training = recipe.Training with { MaxSteps = 3, GradientAccumulationSteps = 2, ActivationCheckpointing = setting },
        };
    }

    private static long Peak(Recipe recipe)
    {
        using var device = new CpuDevice(1);
        Drive.Train(recipe, device);
        Assert.That(device.Outstanding, Is.Zero);
        return device.Ledger.AtPeak()[(int)Category.Activations];
    }
}
