using KernelTune.Conformance.Checks;
using KernelTune.Conformance.Families;

namespace KernelTune.Devices.Gpu.Tests;

/// <summary>Four steps of LoRA training beside the reference device: losses, norms, then the adapter and both moments of Adam.</summary>
public sealed class FourStepsTests
{
    private const int Steps = 4;

    [TestCaseSource(typeof(GpuChoice), nameof(GpuChoice.Present))]
    public void Training_keeps_beside_the_reference(string device)
    {
        var golden = new AdapterCase(Path.Combine(GpuChoice.GoldensOrIgnore("adapters"), "llama__lora_qv"));
        var (ours, ourState) = Train(golden, device);
        var (expected, expectedState) = Train(golden, "reference");

        // A step of Adam moves an element by up to the rate, whatever its gradient: the adapter is held to a share of what it moved at most.
        double moved = ours.Rates.Sum(r => r.Max());
        using (Assert.EnterMultipleScope())
        {
            for (int step = 0; step < Steps; step++)
            {
                Assert.That(ours.Losses[step], Is.EqualTo(expected.Losses[step]).Within(4e-6), $"loss of step {step}");
                Assert.That(ours.GradientNorms[step], Is.EqualTo(expected.GradientNorms[step]).Within(1e-4).Percent, $"norm of step {step}");
            }
            Assert.That(ours.Final.Keys, Is.EquivalentTo(expected.Final.Keys));
            TestContext.Out.WriteLine(Worst(ours, expected, moved) + FormattableString.Invariant($", moments {expectedState.Max(t => Farthest(ourState[t.Key], t.Value) / Largest(t.Value)):E1}"));
            foreach (var (name, tensor) in expected.Final)
                Assert.That(Farthest(ours.Final[name], tensor), Is.LessThan(1e-4 * moved), name);
            Assert.That(ourState.Keys, Is.EquivalentTo(expectedState.Keys));
            foreach (var (name, tensor) in expectedState)
                Assert.That(Farthest(ourState[name], tensor), Is.LessThan(1e-5 * Largest(tensor)), name);
        }
    }

    private static (ComputedTrajectory Trajectory, IReadOnlyDictionary<string, ComputedTensor> State) Train(AdapterCase golden, string device)
    {
        using CaseMethod method = CaseMethod.Open(golden, device);
        return GoldenTrainer.Train(method.Model, golden.Training(), Steps, step => [GoldenTrainer.Batch(golden.Batch(step))], method.ParameterOf, method.Saved);
    }

    private static string Worst(ComputedTrajectory ours, ComputedTrajectory expected, double moved)
    {
        double loss = ours.Losses.Zip(expected.Losses).Max(p => Math.Abs(p.First - p.Second));
        double norm = ours.GradientNorms.Zip(expected.GradientNorms).Max(p => Math.Abs((p.First / p.Second) - 1));
        double adapter = expected.Final.Max(t => Farthest(ours.Final[t.Key], t.Value)) / moved;
        return FormattableString.Invariant($"worst: loss {loss:E1}, norm {norm:E1} of it, adapter {adapter:E1} of the way that it may have gone");
    }

    private static double Farthest(ComputedTensor ours, ComputedTensor expected) => ours.Values.Zip(expected.Values).Max(p => Math.Abs(p.First - p.Second));

    private static double Largest(ComputedTensor tensor) => tensor.Values.Max(Math.Abs);
}
