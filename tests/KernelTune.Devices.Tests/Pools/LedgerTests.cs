using KernelTune.Devices.Memory;
using KernelTune.Devices.Reference;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Tests.Pools;

/// <summary>Every byte is booked: current, peak, by category, as events; and the limit is kept.</summary>
public sealed class LedgerTests
{
    private ReferenceDevice device = null!;

    [SetUp]
    public void Make_a_device() => device = new ReferenceDevice();

    [TearDown]
    public void Nothing_is_left()
    {
        Assert.That(device.Outstanding, Is.Zero, "bytes that did not come back");
        device.Dispose();
    }

    [Test]
    public void Current_and_peak_by_category()
    {
        var weights = device.Allocate(1000, Category.Weights);
        var activations = device.Allocate(500, Category.Activations);
        activations.Release();
        var workspace = device.Allocate(200, Category.Workspace);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(device.Ledger.Current, Is.EqualTo(1200));
            Assert.That(device.Ledger.CurrentOf(Category.Activations), Is.Zero);
            Assert.That(device.Ledger.Peak, Is.EqualTo(1500));
            Assert.That(device.Ledger.AtPeak()[(int)Category.Activations], Is.EqualTo(500), "what the category held at the peak");
            Assert.That(device.Ledger.AtPeak()[(int)Category.Workspace], Is.Zero);
        }
        device.Ledger.ResetPeak();
        Assert.That(device.Ledger.Peak, Is.EqualTo(1200));
        workspace.Release();
        weights.Release();
        Assert.That(device.Ledger.Current, Is.Zero);
    }

    [Test]
    public void Events_say_what_was_taken_for_whom_and_that_it_came_back()
    {
        List<LedgerEvent> events = [];
        device.Ledger.Events += events.Add;
        var block = device.Allocate(100, Category.Gradients, "layers.0.q_proj", Phase.Backward, "matmul");
        block.Retain();
        block.Release();
        Assert.That(events, Has.Count.EqualTo(1), "still held");
        block.Release();
        device.Ledger.Events -= events.Add;
        device.Allocate(1, Category.Batches).Release();
        Assert.That(events, Has.Count.EqualTo(2), "nobody listens any more");
        Assert.That(events[0], Is.EqualTo(new LedgerEvent(block.Number, 100, Category.Gradients, "layers.0.q_proj", Phase.Backward, "matmul")));
        Assert.That((events[1].Block, events[1].Bytes, events[1].Category), Is.EqualTo((block.Number, -100L, Category.Gradients)));
    }

    [Test]
    public void The_limit_refuses_and_says_the_numbers()
    {
        device.MemoryLimit = 1500;
        var held = device.Allocate(1000, Category.Weights);
        var e = Assert.Throws<DeviceMemoryException>(() => device.Allocate(501, Category.Activations))!;
        Assert.That((e.Requested, e.InUse, e.Device), Is.EqualTo((501L, 1000L, "reference")));
        Assert.That(e.Message, Is.EqualTo("[reference] allocating 501 bytes passes the limit of 1,500: 1,000 are in use"));
        device.Allocate(500, Category.Activations).Release();
        held.Release();
    }

    [Test]
    public void A_block_is_released_once_for_each_holder()
    {
        var block = device.Allocate(64, Category.KvCache, "cache");
        block.Release();
        Assert.That(Assert.Throws<InvalidOperationException>(block.Release)!.Message, Is.EqualTo("block 1 (KV cache, cache) was released once too often"));
        Assert.That(device.Ledger.Current, Is.Zero);
    }

    [Test]
    public void A_block_that_went_back_cannot_be_retained()
    {
        var block = device.Allocate(64, Category.KvCache, "cache");
        block.Release();
        Assert.That(Assert.Throws<InvalidOperationException>(block.Retain)!.Message, Is.EqualTo("block 1 (KV cache, cache) was retained after it went back to the pool"));
    }

    [TestCase(DType.F64)]
    [TestCase(DType.F32)]
    [TestCase(DType.F16)]
    [TestCase(DType.BF16)]
    [TestCase(DType.I64)]
    [TestCase(DType.I32)]
    [TestCase(DType.I8)]
    [TestCase(DType.U8)]
    public void Numbers_survive_the_way_to_the_device_and_back(DType type)
    {
        var view = device.Allocate(new Shape(2, 2), type, Category.Batches);
        device.Write<double>(view, [1, 2, 3, 100]);
        var back = new float[4];
        device.Read<float>(view, back);
        Assert.That(back, Is.EqualTo(new float[] { 1, 2, 3, 100 }));
        Assert.That(Assert.Throws<ShapeException>(() => device.Write<double>(view, [1]))!.Message, Is.EqualTo($"[write] {type}[2, 2] against 1 host elements"));
        Assert.That(Assert.Throws<ShapeException>(() => device.Read<float>(view.Transpose(0, 1), back))!.Message, Does.StartWith("[read]"));
        view.Block.Release();
    }

    [Test]
    public void Sixteen_bits_are_rounded_to_nearest_even()
    {
        var view = device.Allocate(new Shape(3), DType.BF16, Category.Batches);

        // Between 1 and 1 + 2⁻⁷: the middle goes to the even neighbour, and what is beyond it up.
        device.Write<double>(view, [1 + (1 / 256.0), 1 + (3 / 256.0), 1 + (1 / 256.0) + 1e-4]);
        var back = new double[3];
        device.Read<double>(view, back);
        Assert.That(back, Is.EqualTo(new[] { 1, 1 + (4 / 256.0), 1 + (2 / 256.0) }));
        view.Block.Release();
    }
}
