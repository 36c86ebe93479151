using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Shapes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Autograd.Tests;

/// <summary>How much of the logits the loss holds at a time: bytes decide it, not rows.</summary>
public sealed class LossChunkTests
{
    [TestCase(4096, 49_152, true)]
    [TestCase(4096, 49_152, false)]
    [TestCase(100_000, 1000, true)]
    [TestCase(64, 250_000, false)]
    public void A_chunk_of_logits_is_bounded_by_bytes_whatever_the_vocabulary(int rows, int vocabulary, bool trained)
    {
        using var cpu = new CpuDevice(1);
        using var shapes = new ShapesDevice(cpu);
        using var head = new Parameter("head", new Shape(vocabulary, 16)) { Trainable = trained, Packable = true };
        head.Load(shapes, static (_, _, _) => { });
        using var table = new Parameter("hidden", new Shape(rows, 16)) { Trainable = true };
        table.Load(shapes, static (_, _, _) => { });
        using var store = new GradientStore(shapes, trained ? [table, head] : [table]);
        using var session = new Session(shapes, store);
        long most = 0, chunks = 0;
        shapes.Ledger.Events += e =>
        {
            if (e.Call != "linear_cross_entropy" || e.Bytes < (long)vocabulary * 32 * sizeof(float))
                return;
            most = Math.Max(most, e.Bytes);
            chunks++;
        };
        using (session.Enter())
        {
            var labels = session.New(new Shape(rows), DType.I64);
            session.Backward(LinearCrossEntropyOp.Apply(Leaf.Apply(session, table), head, labels, CrossEntropyOptions.Plain));
        }
        long all = (long)rows * vocabulary * sizeof(float);
        Assert.That(most, Is.InRange(LinearCrossEntropyOp.DefaultChunkBytes / 2, LinearCrossEntropyOp.DefaultChunkBytes), "not far below either: products of few rows are slow");
        Assert.That(chunks, Is.GreaterThanOrEqualTo(all / LinearCrossEntropyOp.DefaultChunkBytes));
    }
}
