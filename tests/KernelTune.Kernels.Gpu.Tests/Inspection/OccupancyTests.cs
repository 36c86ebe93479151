using KernelTune.Kernels.Gpu.Inspection;

namespace KernelTune.Kernels.Gpu.Tests.Inspection;

/// <summary>Figures of NVIDIA's occupancy calculator.</summary>
public sealed class OccupancyTests
{
    [TestCase(32, 0, 256, "sm_80", 8, 64)]
    [TestCase(33, 0, 256, "sm_80", 6, 48)]
    [TestCase(64, 0, 256, "sm_90", 4, 32)]
    [TestCase(128, 0, 256, "sm_90", 2, 16)]
    [TestCase(255, 0, 256, "sm_80", 1, 8)]
    [TestCase(40, 8192, 256, "sm_80", 6, 48)]
    [TestCase(16, 48 * 1024, 128, "sm_80", 3, 12)]
    [TestCase(16, 0, 32, "sm_80", 32, 32)]
    [TestCase(32, 0, 256, "sm_86", 6, 48)]
    public void Groups_and_warps_fit_by_warps_registers_and_shared_memory(int registers, int shared, int groupSize, string architecture, int groups, int warps)
    {
        Occupancy? found = Occupancy.Of(new KernelUsage(registers, 0, 0, 0, shared), groupSize, architecture);
        Assert.That((found?.Groups, found?.Warps), Is.EqualTo((groups, warps)));
    }

    [Test]
    public void An_architecture_without_known_limits_has_none() => Assert.That(Occupancy.Of(new KernelUsage(32, 0, 0, 0, 0), 256, "sm_70"), Is.Null);
}
