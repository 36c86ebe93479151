using KernelTune.Devices.Reference;
using KernelTune.Devices.Tests.Table;

namespace KernelTune.Devices.Gpu.Tests;

/// <summary>Every call of the table on an accelerator, against the reference device.</summary>
[TestFixtureSource(typeof(GpuChoice), nameof(GpuChoice.Names))]
public sealed class AgreementTests(string name)
{
    private GpuDevice device = null!;

    [OneTimeSetUp]
    public void Open()
    {
        GpuChoice.OrIgnore(name);
        device = GpuDevices.Open(name);
    }

    [OneTimeTearDown]
    public void Close() => device?.Dispose();

    [TestCaseSource(nameof(Cases))]
    public void It_agrees_with_the_reference(CallCase of)
    {
        using var reference = new ReferenceDevice();
        CallComparison.Compare(of, CallComparison.Results(device, of), CallComparison.Results(reference, of));
    }

    [Test]
    public void Every_kernel_runs_in_some_case()
    {
        var seen = new CallRecorder();
        device.CallObserver = seen;
        foreach (var of in CallCases.All.Where(c => device.Table.Calls.Contains(c.Call)))
            CallComparison.Results(device, of);
        device.CallObserver = null;
        Assert.That(device.Table.Calls.Where(call => !seen.Types.Contains(call)).Select(call => call.Name), Is.Empty);
    }

    private static IEnumerable<TestCaseData> Cases() => CallComparison.Cases();
}
