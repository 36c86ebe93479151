using KernelTune.Devices.Cpu;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Shapes;
using KernelTune.Devices.Tests.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Tests.Shapes;

/// <summary>What a step takes on <see cref="ShapesDevice"/> is what it takes on the device that it stands for.</summary>
public class ShapesDeviceTests
{
    [TestCase(1)]
    [TestCase(3)]
    public void Peak_by_category_and_touched_bytes_are_those_of_the_cpu(int threads)
    {
        using var cpu = new CpuDevice(threads);
        using var shapes = new ShapesDevice(cpu);
        var ours = Steps(cpu);
        var foreseen = Steps(shapes);
        Assert.Multiple(() =>
        {
            Assert.That(shapes.Ledger.Peak, Is.EqualTo(cpu.Ledger.Peak));
            Assert.That(shapes.Ledger.AtPeak(), Is.EqualTo(cpu.Ledger.AtPeak()));
            Assert.That(shapes.Touched, Is.EqualTo(cpu.Touched));
            Assert.That(foreseen, Is.EqualTo(ours), "the events of the ledger, in order");
            Assert.That(shapes.Outstanding, Is.Zero);
        });
    }

    [Test]
    public void More_threads_are_foreseen_without_starting_them()
    {
        using var one = new CpuDevice(1);
        using var eight = new CpuDevice(8);
        using var shapes = new ShapesDevice(one, 8);
        Steps(eight);
        Steps(shapes);
        Assert.That(shapes.Ledger.Peak, Is.EqualTo(eight.Ledger.Peak));
    }

    [Test]
    public void It_is_named_and_set_up_as_the_other()
    {
        using var cpu = new CpuDevice(2);
        using var shapes = new ShapesDevice(cpu);
        Assert.Multiple(() =>
        {
            Assert.That(shapes.Name, Is.EqualTo("shapes of cpu"));
            Assert.That(shapes.Real, Is.EqualTo(DType.F32));
            Assert.That(shapes.Packs, Is.True);
            Assert.That(shapes.Threads, Is.EqualTo(2));
            Assert.That(shapes.Computes, Is.False);
        });
    }

    [Test]
    public void Writing_is_accepted_and_reading_is_refused()
    {
        using var cpu = new CpuDevice(1);
        using var shapes = new ShapesDevice(cpu);
        var x = shapes.Allocate(new Shape(3), DType.F32, Category.Activations);
        shapes.Write<float>(x, [1, 2, 3]);
        Assert.That(() => shapes.Read(x, new float[3]), Throws.TypeOf<DeviceException>()
            .With.Message.EqualTo("[shapes of cpu] read of F32[3]: this device foresees memory and holds no numbers"));
        Assert.That(() => shapes.Write<float>(x, [1, 2]), Throws.TypeOf<ShapeException>());
    }

    [Test]
    public void The_memory_limit_holds_here_too()
    {
        using var cpu = new CpuDevice(1);
        using var shapes = new ShapesDevice(cpu) { MemoryLimit = 1L << 40 };
        Assert.That(() => shapes.Allocate((1L << 40) + 1, Category.Activations), Throws.TypeOf<DeviceMemoryException>());
        Assert.That(shapes.Allocate(1L << 39, Category.Activations).Address, Is.Not.Zero, "half a terabyte needs no memory");
    }

    private static List<(long Bytes, Category Category)> Steps(Device device)
    {
        var events = new List<(long, Category)>();
        device.Ledger.Events += e => events.Add((e.Bytes, e.Category));
        using var step = new SmallStep(device);
        step.Run();
        step.Run();
        return events;
    }
}
