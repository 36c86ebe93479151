using KernelTune.Devices.Calls;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Reference;

namespace KernelTune.Devices.Tests.Table;

/// <summary>The CPU against the reference, its kernels against the calls' compositions.</summary>
public sealed class AgreementTests
{
    // The reference device keeps no panels: their round trip is tested on the CPU alone.
    [TestCaseSource(nameof(Shared))]
    public void Cpu_agrees_with_the_reference(CallCase of)
    {
        using var cpu = new CpuDevice(2);
        using var reference = new ReferenceDevice();
        Compare(of, CallTests.Results(cpu, of), CallTests.Results(reference, of));
    }

    [TestCaseSource(nameof(Fused))]
    public void Kernel_equals_its_composition(CallCase of)
    {
        using var cpu = new CpuDevice(2);
        Compare(of, CallTests.Results(cpu, of), CallTests.Results(cpu, of, composed: true));
    }

    [TestCaseSource(nameof(Panels))]
    public void Panels_give_back_what_was_put_in(CallCase of)
    {
        using var cpu = new CpuDevice(2);
        double[][] results = CallTests.Results(cpu, of);
        Assert.That(results, Is.Not.Empty);
        if (of.Call == typeof(PackCall) || of.Call == typeof(PackCodesCall))
            Assert.That(results[1], Is.All.Zero, "unpacked minus packed");
        Assert.That(results[0], Has.None.NaN);
    }

    [Test]
    public void Every_kernel_of_the_cpu_runs_in_some_case()
    {
        using var cpu = new CpuDevice(2);
        var seen = new CallRecorder();
        cpu.CallObserver = seen;
        foreach (var of in CallCases.All)
            CallTests.Results(cpu, of);
        Assert.That(cpu.Table.Calls.Where(call => !seen.Types.Contains(call)).Select(call => call.Name), Is.Empty);
    }

    private static IEnumerable<TestCaseData> Shared() => CallCases.All.Concat(WindowCases.LargePlanes).Where(c => !c.WantsPanels).Select(c => new TestCaseData(c).SetArgDisplayNames(c.ToString()));

    private static IEnumerable<TestCaseData> Panels() => CallCases.All.Where(c => c.WantsPanels).Select(c => new TestCaseData(c).SetArgDisplayNames(c.ToString()));

    // A primitive has no composition; what a device's table lacks runs its composition anyway.
    private static IEnumerable<TestCaseData> Fused()
    {
        Type[] primitive =
        [
            typeof(FillCall), typeof(RampCall), typeof(CopyCall), typeof(ReduceCall), typeof(ArgMaxCall), typeof(MatMulCall), typeof(GatherCall), typeof(ScatterAddCall), typeof(RandomCall),
            typeof(UnfoldCall), typeof(FoldCall), typeof(ScanCall), typeof(SortCall), typeof(RotaryTableCall), typeof(UpdateCall<>), typeof(BlockwiseUpdateCall<>), typeof(PackCall), typeof(PackCodesCall), typeof(UnpackCall), typeof(MapCall<,>),
        ];
        return CallCases.All.Where(c => !primitive.Contains(c.Kind)).Select(c => new TestCaseData(c).SetArgDisplayNames(c.ToString()));
    }

    private static void Compare(CallCase of, double[][] ours, double[][] expected)
    {
        Assert.That(ours, Has.Length.EqualTo(expected.Length));
        for (int o = 0; o < ours.Length; o++)
        {
            Assert.That(ours[o], Has.Length.EqualTo(expected[o].Length));
            for (int i = 0; i < ours[o].Length; i++)
            {
                double a = ours[o][i], b = expected[o][i];
                bool close = a.Equals(b) || Math.Abs(a - b) <= of.Absolute + (of.Relative * Math.Abs(b));
                Assert.That(close, Is.True, $"output {o}, element {i}: {a:R} against {b:R}");
            }
        }
    }
}
