using KernelTune.Autograd.Ops;
using KernelTune.Devices;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Reference;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Autograd.Tests;

/// <summary>Two trainers on two threads meet only in the device: each computes what it computes alone.</summary>
public sealed class ConcurrencyTests
{
    private const int Steps = 40;

    [TestCase("reference")]
    [TestCase("cpu")]
    public void Two_sessions_on_two_threads_share_a_base(string name)
    {
        using Device device = name == "cpu" ? new CpuDevice(2) : new ReferenceDevice();
        var norm = Weight(device, "norm", false, 16);
        var weight = Weight(device, "base", false, 24, 16);
        double[][] alone = [Train(device, norm, weight, 1), Train(device, norm, weight, 2)];
        long resident = device.Outstanding;
        var together = new double[2][];
        var threads = new Thread[2];
        for (int i = 0; i < 2; i++)
        {
            int which = i;
            threads[i] = new Thread(() => together[which] = Train(device, norm, weight, which + 1));
            threads[i].Start();
        }
        foreach (var thread in threads)
            thread.Join();
        Assert.That(together[0], Is.EqualTo(alone[0]));
        Assert.That(together[1], Is.EqualTo(alone[1]));
        Assert.That(alone[0], Is.Not.EqualTo(alone[1]));
        Assert.That(device.Outstanding, Is.EqualTo(resident));

        // No tape holds the shared weight any more: it may be written.
        norm.Load(device, Enumerable.Repeat(2f, 16).ToArray());
        var written = new float[16];
        norm.Read(written);
        Assert.That(written, Is.All.EqualTo(2f));
        weight.Dispose();
        norm.Dispose();
        Assert.That(device.Outstanding, Is.Zero);
    }

    // The gradients of A and B after some accumulated steps with dropout, of a seed's own.
    private static double[] Train(Device device, Parameter norm, Parameter weight, int seed)
    {
        using var a = Weight(device, "a", true, 4, 16);
        using var b = Weight(device, "b", true, 24, 4);
        using var store = new GradientStore(device, [a, b]);
        using var session = new Session(device, store) { Training = true, Seed = (ulong)seed };
        for (int step = 0; step < Steps; step++)
        {
            using var scope = session.Enter("layer");
            session.Step = step;
            var x = session.Upload<float>([.. Enumerable.Range(0, 32 * 16).Select(i => MathF.Cos((i * seed) + step))], new Shape(32, 16), session.Real);
            var y = LoraLinearOp.Apply(RmsNormOp.Apply(x, norm.Value, 1e-6), weight, null, a, b, 2, 0.1);
            var labels = session.Upload<long>([.. Enumerable.Range(0, 32).Select(i => (long)((i * 7) + step) % 24)], new Shape(32), DType.I64);
            session.Backward(CrossEntropyOp.Apply(Unary.Apply<Silu>(y), labels, Devices.Calls.CrossEntropyOptions.Plain));
        }
        var values = new double[a.Shape.Elements + b.Shape.Elements];
        device.Read<double>(store.Of(a), values.AsSpan(0, (int)a.Shape.Elements));
        device.Read<double>(store.Of(b), values.AsSpan((int)a.Shape.Elements));
        return values;
    }

    private static Parameter Weight(Device device, string name, bool trained, params int[] shape)
    {
        var p = new Parameter(name, new Shape(shape)) { Trainable = trained, Packable = !trained && shape.Length == 2 };
        p.Load(device, [.. Enumerable.Range(0, (int)p.Shape.Elements).Select(i => MathF.Sin(i + 1) / 4)]);
        return p;
    }
}
