using KernelTune.Devices.Cpu;
using KernelTune.Kernels.Numerics;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Training.Tests.Runs;

/// <summary>What saves memory together: the same bits on any number of threads and every instruction set, and after a stop.</summary>
public sealed class LittleMemoryTests
{
    private TinyWorld world = null!;

    [SetUp]
    public void SetUp() => world = new TinyWorld();

    [TearDown]
    public void TearDown() => world.Dispose();

    private static IEnumerable<TestCaseData> Kinds()
    {
        foreach (var storage in (BaseStorageKind?[])[BaseStorageKind.Nf4, BaseStorageKind.BFloat16])
            yield return new TestCaseData(MethodKind.Lora, OptimizerKind.AdamW, storage).SetArgDisplayNames($"lora over {storage}");
        yield return new TestCaseData(MethodKind.Full, OptimizerKind.AdamW8Bit, null).SetArgDisplayNames("full, 8-bit states");
        yield return new TestCaseData(MethodKind.Full, OptimizerKind.Lion8Bit, null).SetArgDisplayNames("full, Lion in 8 bits");
    }

    [TestCaseSource(nameof(Kinds))]
    public void Threads_and_instruction_sets_change_no_bit(MethodKind method, OptimizerKind optimizer, BaseStorageKind? storage)
    {
        var first = On(1, InstructionSets.Best, "first");
        foreach (var (threads, set) in new[] { (3, InstructionSets.Best), (1, InstructionSet.Portable), (2, InstructionSet.Avx2) }.Where(s => InstructionSets.IsSupported(s.Item2)))
            Drive.AssertSame(first.Output, On(threads, set, $"{threads}-{set}").Output, $"{threads} threads, {set}");

        Recipe On(int threads, InstructionSet set, string output)
        {
            var recipe = Of(method, optimizer, storage, output);
            using var device = new CpuDevice(threads, set);
            Drive.Train(recipe, device);
            return recipe;
        }
    }

    [TestCaseSource(nameof(Kinds))]
    public void A_stopped_run_goes_on_to_the_same_bits(MethodKind method, OptimizerKind optimizer, BaseStorageKind? storage)
    {
        Recipe whole = Of(method, optimizer, storage, "whole"), stopped = Of(method, optimizer, storage, "stopped");
        Drive.OnCpu(whole);
        Drive.OnCpu(stopped, stopAt: 3);
        Drive.OnCpu(stopped, resume: true);
        Drive.AssertSame(whole.Output, stopped.Output, "resumed");
    }

    private Recipe Of(MethodKind method, OptimizerKind optimizer, BaseStorageKind? storage, string output)
    {
        var recipe = world.Recipe(method, output);
        return recipe with
        {
            Quantization = storage is { } kind ? new QuantizationSettings(kind) : null,
            Optimizer = recipe.Optimizer with { Type = optimizer },
            Training = recipe.Training with { ActivationCheckpointing = new ActivationCheckpointing(true) },
        };
    }
}
