namespace KernelTune.Devices.Gpu.Tests;

/// <summary>Tests that each get a simulated device of their own.</summary>
public abstract class OnSimulatedDevice
{
    private protected GpuDevice Device { get; private set; } = null!;

    [SetUp]
    public void Open() => Device = GpuDevices.Open("simulated");

    [TearDown]
    public void Close() => Device.Dispose();
}
