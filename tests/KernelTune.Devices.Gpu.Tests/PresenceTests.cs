namespace KernelTune.Devices.Gpu.Tests;

/// <summary>A device that is not here is reported once, with its reason: no other test is listed for it.</summary>
public sealed class PresenceTests
{
    [TestCase("simulated")]
    [TestCase("opencl")]
    [TestCase("cuda")]
    public void Tests_run_on(string name)
    {
        var found = GpuChoice.Found.Single(d => d.Name == name);
        if (!found.Present)
            Assert.Ignore($"{name}: {found.Why}");
        using var device = GpuDevices.Open(name);
        Assert.That(found.Why, Does.Contain(device.Name == "simulated" ? "CPU" : device.Hardware));
    }
}
