using KernelTune.Devices.Calls;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Shapes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Tests.Table;

/// <summary>What compositions of fp32 calls keep, and what they refuse.</summary>
public sealed class CompositionTests
{
    [Test]
    public void Statistics_keep_their_digits_far_from_zero([Values(1e4, -1e5)] double mean, [Values(false, true)] bool composed)
    {
        const int Images = 5, Channels = 3, Length = 700;
        using var cpu = new CpuDevice(2);
        using var b = new CallBench(cpu, composed);
        var random = new Random(3);
        double[] numbers = [.. Enumerable.Range(0, Images * Channels * Length).Select(_ => (double)(float)(mean + Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(random.NextDouble() * Math.Tau)))];
        b.Run(new BatchStatisticsCall(b.Given(new Shape(Images, Channels, Length), numbers), b.Out(Channels), b.Out(Channels)));
        double[][] results = b.Results();
        for (int c = 0; c < Channels; c++)
        {
            double[] channel = [.. numbers.Where((_, i) => i / Length % Channels == c)];
            double average = channel.Average(), variance = channel.Average(x => (x - average) * (x - average));
            Assert.That(results[0][c], Is.EqualTo(average).Within(MathF.BitIncrement((float)Math.Abs(mean)) - Math.Abs(mean)), "mean, to a unit in the last place");
            Assert.That(results[1][c], Is.EqualTo(variance).Within(2e-6 * variance), "variance");
        }
    }

    [Test]
    public void A_window_of_padding_alone_has_no_largest([Values(false, true)] bool composed)
    {
        using var cpu = new CpuDevice(1);
        using var b = new CallBench(cpu, composed);

        // Taps at rows −1 and 1 of a plane of one row.
        var window = new Window2d(2, 1, 1, 1, 2, 1, 1, 0, 1, 4);
        var call = new MaxPool2dCall(b.In(1, 1, 1, 4), b.Out(1, 1, 1, 4), b.Out(DType.I32, 1, 1, 1, 4), window);
        Assert.That(Assert.Throws<ShapeException>(() => b.Run(call))!.Message, Does.StartWith("[max_pool2d] ").And.EndsWith("a window lies in the padding alone"));
        Assert.That(window.MeetsPlane(2, 4), Is.True, "the second row is met");
    }

    [Test]
    public void Places_beyond_what_fp32_counts_are_refused_by_compositions()
    {
        using var cpu = new CpuDevice(1);
        using var shapes = new ShapesDevice(cpu);
        var window = new Window2d(1, 1, 4096, 4096, 1, 1, 0, 0, 2, 1);
        Assert.DoesNotThrow(() => Pool(4096, window with { Rows = 1 }));
        Assert.That(Assert.Throws<ShapeException>(() => Pool(4097, window))!.Message, Is.EqualTo("[max_pool2d] it numbers 16,781,312 elements in fp32, which holds whole numbers to 16,777,216 exactly"));

        void Pool(int height, Window2d of)
        {
            using var b = new CallBench(shapes, composed: true);
            View New(DType type, params int[] shape)
            {
                var view = shapes.Allocate(new Shape(shape), type, Memory.Category.Activations);
                b.Keep(view.Block);
                return view;
            }
            b.Run(new MaxPool2dCall(New(DType.F32, 1, 1, height, 4096), New(DType.F32, 1, 1, of.Rows, 1), New(DType.I32, 1, 1, of.Rows, 1), of));
        }
    }
}
