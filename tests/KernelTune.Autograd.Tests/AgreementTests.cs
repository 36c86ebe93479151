using KernelTune.Devices.Cpu;
using KernelTune.Devices.Reference;

namespace KernelTune.Autograd.Tests;

/// <summary>Every operation on the CPU, frozen weights packed, against the reference device: output and gradients.</summary>
public sealed class AgreementTests
{
    private const double Relative = 1.3e-6;

    [TestCaseSource(nameof(Cases))]
    public void Cpu_agrees_with_the_reference(OperationCase of)
    {
        using var cpu = new CpuDevice(2);
        using var reference = new ReferenceDevice();
        using var ours = new Trial(cpu, of);
        using var truth = new Trial(reference, of);
        Compare(of, "the output", ours.Forward(), truth.Forward());
        for (int uses = 1; uses <= 2; uses++)
        {
            var (a, b) = (ours.Gradients(uses), truth.Gradients(uses));
            for (int p = 0; p < a.Length; p++)
                Compare(of, $"the gradient of input {p} after {uses} uses", a[p], b[p]);
        }
    }

    private static IEnumerable<TestCaseData> Cases() => OperationCases.All.Select(c => new TestCaseData(c).SetArgDisplayNames(c.Name));

    private static void Compare(OperationCase of, string what, double[] ours, double[] expected)
    {
        Assert.That(ours, Has.Length.EqualTo(expected.Length), what);
        for (int i = 0; i < ours.Length; i++)
            Assert.That(ours[i], Is.EqualTo(expected[i]).Within(of.Absolute + (Relative * Math.Abs(expected[i]))), $"{of.Name}: {what}, element {i}");
    }
}
