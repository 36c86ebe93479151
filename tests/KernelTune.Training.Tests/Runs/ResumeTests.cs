using KernelTune.Data;
using KernelTune.Checkpoints;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Reference;
using KernelTune.Kernels.Numerics;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;
using KernelTune.Training.Schedules;

namespace KernelTune.Training.Tests.Runs;

/// <summary>A run that was stopped and resumed ends in the bits of one that never stopped; so does one on other threads and instructions.</summary>
public sealed class ResumeTests
{
    /// <summary>Shuffled, with dropout, accumulation, validation, across epoch ends.</summary>
    internal static Recipe Hard(TinyWorld world, MethodKind method, bool packing, string output)
    {
        var recipe = world.Recipe(method, output);
        return recipe with
        {
            Lora = recipe.Lora with { Config = recipe.Lora.Config with { LoraDropout = 0.1 } },
            Bottleneck = recipe.Bottleneck with { Dropout = 0.1, StochasticDepth = 0.2 },
            Data = recipe.Data with { Packing = packing, Shuffle = true, Validation = [new DataFile(world["held.jsonl"])] },
            Schedule = new ScheduleSettings { Type = "cosine", WarmupSteps = 2 },
            Training = recipe.Training with { MaxSteps = 10, BatchSize = packing ? 1 : 3, GradientAccumulationSteps = 2 },
            Evaluation = recipe.Evaluation with { Every = 3 },
            Checkpoint = new CheckpointSettings { Every = 4, Keep = 2 },
        };
    }

    [Test]
    public void Stopped_after_any_step_and_resumed_it_ends_in_the_same_bits([ValueSource(typeof(TinyWorld), nameof(TinyWorld.Methods))] MethodKind method, [Values] bool packing)
    {
        using var world = new TinyWorld();
        var whole = Hard(world, method, packing, "whole");
        if (packing && !TinyWorld.Packs(method))
        {
            Assert.That(() => Drive.OnCpu(whole), Throws.TypeOf<RecipeException>().With.Message.Contains("data.packing").And.Message.Contains("needs packing: false"));
            return;
        }
        var (expected, _) = Drive.OnCpu(whole);
        for (int stop = 1; stop < 9; stop++)
        {
            var parts = whole with { Output = world[$"parts{stop}"] };
            var (first, _) = Drive.OnCpu(parts, stopAt: stop);
            Assert.That((first.End, first.Steps), Is.EqualTo((RunEnd.Interrupted, stop + 1)), "the step under way is finished");
            Assert.That(CheckpointFolders.LastComplete(parts.Output).Step, Is.EqualTo(stop + 1));
            var (second, _) = Drive.OnCpu(parts, resume: true);
            Assert.That(second with { Output = expected.Output }, Is.EqualTo(expected));
            Drive.AssertSame(whole.Output, parts.Output, $"stopped at {stop}");
        }
    }

    [Test]
    public void Stopped_again_and_again_it_ends_in_the_same_bits()
    {
        using var world = new TinyWorld();
        var whole = Hard(world, MethodKind.Lora, false, "whole");
        Drive.OnCpu(whole);
        var parts = whole with { Output = world["parts"] };
        Drive.OnCpu(parts, stopAt: 1);
        for (int stop = 3; stop < 10; stop += 2)
            Drive.OnCpu(parts, resume: true, stopAt: stop);
        Drive.OnCpu(parts, resume: true);
        Drive.AssertSame(whole.Output, parts.Output, "stopped five times");
    }

    [Test]
    public void A_finished_run_that_is_resumed_stays_as_it_is()
    {
        using var world = new TinyWorld();
        var recipe = Hard(world, MethodKind.Lora, false, "run");
        Drive.OnCpu(recipe);
        Directory.Move(recipe.Output, world["kept"]);
        Copy(world["kept"], recipe.Output);
        Drive.OnCpu(recipe, resume: true);
        Drive.AssertSame(world["kept"], recipe.Output, "resumed at its end");
    }

    [Test]
    public void The_reference_device_resumes_in_doubles()
    {
        using var world = new TinyWorld();
        var whole = Hard(world, MethodKind.Lora, false, "whole");
        whole = whole with { Training = whole.Training with { MaxSteps = 5 } };
        var parts = whole with { Output = world["parts"] };
        using var device = new ReferenceDevice();
        Drive.Train(whole, device);
        Drive.Train(parts, device, stopAt: 2);
        Drive.Train(parts, device, resume: true);
        Drive.AssertSame(whole.Output, parts.Output, "reference");
    }

    [Test]
    public void Threads_do_not_change_a_bit([ValueSource(typeof(TinyWorld), nameof(TinyWorld.Methods))] MethodKind method)
    {
        using var world = new TinyWorld();
        var one = Hard(world, method, TinyWorld.Packs(method), "one");
        Drive.OnCpu(one);
        foreach (int threads in new[] { 2, 3 })
        {
            var many = one with { Output = world[$"threads{threads}"] };
            using var device = new CpuDevice(threads);
            Drive.Train(many, device);
            Drive.AssertSame(one.Output, many.Output, $"{threads} threads");
        }
    }

    [Test]
    public void Instruction_sets_do_not_change_a_bit([ValueSource(typeof(TinyWorld), nameof(TinyWorld.Methods))] MethodKind method)
    {
        using var world = new TinyWorld();
        var best = Hard(world, method, false, "best-set");
        using (var device = new CpuDevice(1))
            Drive.Train(best, device);
        foreach (var set in Enum.GetValues<InstructionSet>().Where(s => InstructionSets.IsSupported(s) && s != InstructionSets.Best))
        {
            var other = best with { Output = world[$"set{set}"] };
            using var device = new CpuDevice(1, set);
            Drive.Train(other, device);
            Drive.AssertSame(best.Output, other.Output, $"{InstructionSets.Best} and {set}");
        }
    }

    internal static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
            if (Path.GetFileName(file) != FolderLock.FileName)
                File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
    }
}
