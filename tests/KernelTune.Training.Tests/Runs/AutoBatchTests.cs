using KernelTune.Devices.Cpu;
using KernelTune.Devices.Shapes;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Training.Tests.Runs;

/// <summary>batch_size: auto, and what a run that does not fit is told.</summary>
public sealed class AutoBatchTests
{
    // Large enough for a micro-batch to show among the 2 MiB pages that memory comes in.
    private static TinyWorld World()
    {
        var world = new TinyWorld();
        world.Configure(config =>
        {
            config["hidden_size"] = 128;
            config["intermediate_size"] = 512;
            config["num_hidden_layers"] = 4;
        });
        world.Weights();
        world.Rows("train.jsonl", 22, row: i => (new string('q', 40) + (char)('a' + i), "aa"));
        return world;
    }

    private static Recipe Auto(TinyWorld world, long? limit, string output = "run")
    {
        Recipe recipe = ResumeTests.Hard(world, MethodKind.Full, packing: false, output);
        return recipe with { MemoryLimit = limit, Training = recipe.Training with { IsBatchSizeAuto = true, MaxSteps = 4 } };
    }

    private static long Needs(Recipe recipe, int size)
    {
        using var device = new CpuDevice(1);
        using var run = TrainingRun.Open(new RunRequest(recipe with { MemoryLimit = null, Training = recipe.Training with { BatchSize = size, IsBatchSizeAuto = false } }), device);
        using var shapes = new ShapesDevice(device);
        return run.Plan(shapes).Touched;
    }

    private static int Chosen(Recipe recipe)
    {
        using var device = new CpuDevice(1);
        using var run = TrainingRun.Open(new RunRequest(recipe), device);
        Assert.That(run.BatchSizeLimit, Is.Not.Null);
        return run.Recipe.Training.BatchSize;
    }

    [Test]
    public void The_largest_power_of_two_whose_plan_fits_is_taken()
    {
        using var world = World();
        Recipe recipe = Auto(world, null);
        long two = Needs(recipe, 2), four = Needs(recipe, 4), eight = Needs(recipe, 8);
        Assert.That(new[] { two, four, eight }, Is.Ordered.And.Unique);
        foreach (var (limit, size) in new[] { (two, 2), (four - 1, 2), (four, 4), (eight - 1, 4), (eight, 8), (long.MaxValue / 2, 16) })
            Assert.That(Chosen(recipe with { MemoryLimit = limit }), Is.EqualTo(size), $"{limit} bytes; of 22 rows 16 is the largest power of two");
        Assert.That(Chosen(recipe), Is.EqualTo(16), "what the machine has free is far more");
    }

    [Test]
    public void The_resolved_recipe_names_it_and_a_resume_takes_it_from_there()
    {
        using var world = World();
        Recipe whole = Auto(world, Needs(Auto(world, null), 4), "whole"), parts = whole with { Output = world["parts"] };
        Drive.OnCpu(whole);
        Assert.That(File.ReadAllLines(Path.Combine(whole.Output, "recipe.yaml")), Has.Some.EqualTo("  batch_size: 4").And.Some.EqualTo("  gradient_accumulation_steps: 2"), "accumulation stays as it is");
        Drive.OnCpu(parts, stopAt: 1);

        // With another limit a new run would take another number; the one that began goes on with its own.
        Drive.OnCpu(parts with { MemoryLimit = null }, resume: true);
        Drive.AssertSame(whole.Output, parts.Output, "resumed with another limit");
    }

    [Test]
    public void Where_not_one_example_fits_the_run_is_refused_with_what_would_take_less()
    {
        using var world = World();
        Recipe recipe = Auto(world, 1 << 20);
        using var device = new CpuDevice(1);
        var e = Assert.Throws<MemoryPlanException>(() => TrainingRun.Open(new RunRequest(recipe), device))!;
        Assert.That(e.Changes.Select(c => c.Settings), Does.Contain("optimizer.type=adamw8bit").And.Contain("training.activation_checkpointing=blocks").And.Contain("all of them").And.None.Contain("batch_size"));
        Assert.That(Directory.Exists(recipe.Output), Is.False);
    }

    [Test]
    public void What_to_change_holds_what_it_promises()
    {
        using var world = World();
        Recipe recipe = ResumeTests.Hard(world, MethodKind.Full, packing: false, "run");
        recipe = recipe with { Training = recipe.Training with { BatchSize = 8 } };
        long limit = Needs(recipe, 8) - 1;
        using var device = new CpuDevice(1);
        using var run = TrainingRun.Open(new RunRequest(recipe with { MemoryLimit = limit }), device);
        using var shapes = new ShapesDevice(device);
        var e = Assert.Throws<MemoryPlanException>(() => run.Plan(shapes))!;
        MemoryChange smaller = e.Changes.Single(c => c.Settings == "training.batch_size=1");
        Assert.That((smaller.Bytes, smaller.Fits), Is.EqualTo((Needs(recipe, 1), true)));
        Assert.That(e.Changes.Select(c => c.Bytes), Is.Ordered.Descending);
        Assert.That(e.Changes[^1].Settings, Is.EqualTo("all of them"));
        Assert.That(e.Message, Does.Contain(e.Changes.First(c => c.Fits).Settings));
    }
}
