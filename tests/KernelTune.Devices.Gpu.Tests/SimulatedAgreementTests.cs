using KernelTune.Devices.Reference;
using KernelTune.Devices.Tests.Table;

namespace KernelTune.Devices.Gpu.Tests;

/// <summary>Every call of the table on ILGPU's CPU accelerator, against the reference device.</summary>
public sealed class SimulatedAgreementTests
{
    private GpuDevice device = null!;

    [OneTimeSetUp]
    public void Open() => device = GpuDevices.Open("simulated");

    [OneTimeTearDown]
    public void Close() => device.Dispose();

    [TestCaseSource(nameof(Cases))]
    public void Simulated_agrees_with_the_reference(CallCase of)
    {
        using var reference = new ReferenceDevice();
        CallComparison.Compare(of, CallComparison.Results(device, of), CallComparison.Results(reference, of));
    }

    private static IEnumerable<TestCaseData> Cases() => CallComparison.Cases();
}
