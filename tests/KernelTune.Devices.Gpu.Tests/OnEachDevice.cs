namespace KernelTune.Devices.Gpu.Tests;

/// <summary>Tests of one fixture on every device that is here, opened once for all of them.</summary>
[TestFixtureSource(typeof(GpuChoice), nameof(GpuChoice.Present))]
public abstract class OnEachDevice(string name)
{
    private protected GpuDevice Device { get; private set; } = null!;

    [OneTimeSetUp]
    public void Open() => Device = GpuDevices.Open(name);

    [OneTimeTearDown]
    public void Close() => Device.Dispose();
}
