using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Tests.Table;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Gpu.Tests;

/// <summary>What goes wrong is said once, by a typed exception that names the device.</summary>
public sealed class FaultTests : OnSimulatedDevice
{
    [Test]
    public void An_unknown_name_is_refused([Values("gpu", "cuda:x", "cuda:-1", "simulated:1", "opencl:0:1")] string name)
    {
        var e = Assert.Throws<DeviceException>(() => GpuDevices.Open(name))!;
        Assert.That(e.Message, Is.EqualTo($"[{name}] there is no such device: cuda, cuda:<n>, opencl, opencl:<n> or simulated wanted"));
    }

    [Test]
    public void A_device_that_is_not_there_is_not_replaced([Values("cuda", "opencl")] string kind)
    {
        var found = GpuDevices.Find().Where(d => d.Name.Split(':')[0] == kind).ToList();
        string name = found.Any(d => d.Present) ? $"{kind}:99" : kind;
        var e = Assert.Throws<DeviceException>(() => GpuDevices.Open(name))!;
        Assert.That(e.Message, Does.StartWith($"[{name}] "));
        Assert.That(e.Message, Does.Contain(name == kind ? found[0].Why : "numbered from 0"));
    }

    [Test]
    public void Everything_that_was_looked_for_is_listed() =>
        Assert.That(GpuDevices.Find().Select(d => d.Name.Split(':')[0]).Distinct(), Is.EqualTo(new[] { "cuda", "opencl", "simulated" }));

    [Test]
    public void An_id_outside_the_table_is_named_at_the_next_read_and_only_there()
    {
        using var b = new CallBench(Device, composed: false);
        var y = b.Out(3, 3);
        b.Run(new GatherCall(b.In(4, 3), b.Integers(new Shape(3), 1, 4_000_000_000_007, 2), y));
        var numbers = new float[9];
        var e = Assert.Throws<ShapeException>(() => Device.Read<float>(y, numbers))!;
        Assert.That(e.Message, Is.EqualTo("[gather] id 4000000000007 at position 1 is outside the table's 4 rows"));
        Assert.DoesNotThrow(() => Device.Read<float>(y, numbers), "a fault is told once");
    }

    [Test]
    public void A_row_added_outside_the_table_is_named()
    {
        using var b = new CallBench(Device, composed: false);
        var table = b.InOut(4, 3);
        b.Run(new ScatterAddCall(b.In(2, 3), b.Integers(new Shape(2), 1, -1), table, Skip: 0));
        var e = Assert.Throws<ShapeException>(() => Device.Read<float>(table, new float[12]))!;
        Assert.That(e.Message, Is.EqualTo("[scatter_add] id -1 at position 1 is outside the table's 4 rows"));
    }

    [Test]
    public void An_allocation_past_the_limit_is_refused()
    {
        Device.MemoryLimit = 1000;
        var e = Assert.Throws<DeviceMemoryException>(() => Device.Allocate(new Shape(300), DType.F32, Category.Weights))!;
        Assert.That(e.Message, Is.EqualTo("[simulated] allocating 1,200 bytes passes the limit of 1,000: 0 are in use"));
    }

    [Test]
    public void An_allocation_that_fails_carries_the_drivers_words()
    {
        var e = Assert.Throws<DeviceMemoryException>(() => Device.Allocate(1L << 60, Category.Weights))!;
        Assert.That(e.Message, Does.StartWith("[simulated] allocating 1,152,921,504,606,846,976 bytes failed: 0 are in use; ").And.Not.EndWith("; "));
    }

    [Test]
    public void A_formula_over_another_type_is_refused()
    {
        using var b = new CallBench(Device, composed: false);
        var x = b.Integers(new Shape(2), 1, 2);
        var e = Assert.Throws<DeviceException>(() => Device.Run(MapCall.Unary<Square, None>(x, x)))!;
        Assert.That(e.Message, Does.StartWith("[simulated] the formula Unary").And.EndsWith("over I64: formulas run over F32 and F64"));
    }

    [Test]
    public void A_product_of_other_types_is_refused()
    {
        using var b = new CallBench(Device, composed: false);
        var (x, y) = (b.Given(new Shape(2, 2), DType.F64, 1, 2, 3, 4), b.Out(2, 2));
        var e = Assert.Throws<DeviceException>(() => Device.Run(new MatMulCall(x, x, y)))!;
        Assert.That(e.Message, Is.EqualTo("[simulated] matmul of F64 and F64 into F32 has no kernel here"));
    }
}
