using KernelTune.Devices.Reference;
using KernelTune.Devices.Tests.Table;

namespace KernelTune.Devices.Gpu.Tests;

/// <summary>Every call of the table on an accelerator, against the reference device.</summary>
public sealed class AgreementTests(string name) : OnEachDevice(name)
{
    [TestCaseSource(nameof(Cases))]
    public void It_agrees_with_the_reference(CallCase of)
    {
        using var reference = new ReferenceDevice();
        CallComparison.Compare(of, CallComparison.Results(Device, of), CallComparison.Results(reference, of));
    }

    [Test]
    public void Every_kernel_runs_in_some_case()
    {
        var seen = new CallRecorder();
        Device.CallObserver = seen;
        foreach (var of in CallCases.All.Where(c => Device.Table.Calls.Contains(c.Call)))
            CallComparison.Results(Device, of);
        Device.CallObserver = null;
        Assert.That(Device.Table.Calls.Where(call => !seen.Types.Contains(call)).Select(call => call.Name), Is.Empty);
    }

    private static IEnumerable<TestCaseData> Cases() => CallComparison.Cases();
}
