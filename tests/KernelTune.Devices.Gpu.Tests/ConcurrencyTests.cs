using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Gpu.Tests;

/// <summary>Several threads share one device: each gets the bits that it would get alone.</summary>
public sealed class ConcurrencyTests
{
    private const int Threads = 3, Rounds = 12;

    [TestCaseSource(typeof(GpuChoice), nameof(GpuChoice.Present))]
    public void Threads_get_the_bits_that_they_would_get_alone(string name)
    {
        using var device = GpuDevices.Open(name);
        float[][] alone = [.. Enumerable.Range(0, Threads).Select(i => Work(device, i))];
        var together = new float[Threads][];
        Parallel.For(0, Threads, new ParallelOptions { MaxDegreeOfParallelism = Threads }, i => together[i] = Work(device, i));
        for (int i = 0; i < Threads; i++)
            Assert.That(together[i], Is.EqualTo(alone[i]), $"thread {i}");
        Assert.That(device.Outstanding, Is.Zero);
    }

    // One thread takes while the other expects: nothing is lost that was expected during a take.
    [Test]
    public void What_one_thread_expects_while_another_takes_is_not_lost()
    {
        const int Faults = 20_000;
        var gpu = new GpuContext("none", null!, null!, default, true);
        int taken = 0;
        bool ended = false;
        var taker = new Thread(() =>
        {
            while (!Volatile.Read(ref ended))
            {
                if (gpu.TakeExpectation())
                    Interlocked.Increment(ref taken);
            }
        });
        taker.Start();
        int expected = 0;
        bool lost = false;
        while (expected < Faults && !lost)
        {
            gpu.ExpectFaults();
            expected++;
            lost = !SpinWait.SpinUntil(() => Volatile.Read(ref taken) == expected, 2000);
        }
        Volatile.Write(ref ended, true);
        taker.Join();
        Assert.That(taken, Is.EqualTo(Faults));
    }

    // Products, maps, sums and look-ups over blocks that come and go, so that one thread takes what another has just given back.
    private static float[] Work(Device device, int seed)
    {
        var result = new float[24];
        float[] numbers = [.. Enumerable.Range(0, 24 * 24).Select(i => MathF.Sin(i + (100 * seed)))];
        for (int round = 0; round < Rounds; round++)
        {
            View New(DType type, params int[] shape) => device.Allocate(new Shape(shape), type, Category.Activations);
            View[] views = [New(DType.F32, 24, 24), New(DType.F32, 24, 24), New(DType.F32, 24, 1), New(DType.I64, 24), New(DType.F32, 24, 24)];
            device.Write<float>(views[0], numbers);
            device.Run(new MatMulCall(views[0], views[0].Transpose(0, 1), views[1]));
            device.Run(MapCall.Unary<Tanh, None>(views[1], views[1]));
            device.Run(new RampCall(views[3], 23, -1));
            device.Run(new GatherCall(views[1], views[3], views[4]));
            device.Run(new ReduceCall(views[4], views[2], 1, Reduction.Sum));
            device.Read<float>(views[2], result);
            foreach (var view in views)
                view.Block.Release();
        }
        return result;
    }
}
