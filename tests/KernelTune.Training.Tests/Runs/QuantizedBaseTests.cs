using KernelTune.Devices;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Reference;
using KernelTune.Kernels.Numerics;
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

    [Test]
    public void Full_training_keeps_no_base_in_fewer_bits()
    {
        var recipe = Recipe(new QuantizationSettings(BaseStorageKind.Nf4), "run") with { Method = MethodKind.Full };
        using var device = new CpuDevice(1);
        Assert.That(() => TrainingRun.Open(new RunRequest(recipe), device), Throws.TypeOf<RecipeException>().With.Message.StartsWith("quantization: only a frozen base"));
    }

    private Recipe Recipe(QuantizationSettings? quantization, string output)
    {
        var recipe = world.Recipe(MethodKind.Lora, output);
        return recipe with { Quantization = quantization, Data = recipe.Data with { Validation = [new DataSource(world["held.jsonl"])] } };
    }

    private static long Weights(Recipe recipe)
    {
        using Device device = new CpuDevice(1);
        Drive.Train(recipe, device);
        return device.Ledger.AtPeak()[(int)Category.Weights];
    }
}
