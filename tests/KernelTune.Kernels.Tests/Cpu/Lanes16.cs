using System.Runtime.Intrinsics.X86;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Tests.Lanes;

namespace KernelTune.Kernels.Tests.Cpu;

/// <summary>A kernel with its arguments; it returns everything that it wrote, end to end.</summary>
internal interface IKernelCase
{
    float[] Run<V>() where V : struct, IRowLane<V>;
}

internal static class Lanes16
{
    /// <summary>Lengths around the vectors' and the unrolled loops' ends, and real widths.</summary>
    public static readonly int[] Lengths = [1, 2, 5, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 100, 127, 128, 129, 576, 1000];

    /// <summary>Runs on every instruction set that the machine has, asserts the same bits, and returns them.</summary>
    public static float[] Same(IKernelCase kernel)
    {
        float[] portable = kernel.Run<Pair<Pair<F32x4>>>();
        if (Avx2.IsSupported && Fma.IsSupported)
            Assert.That(LaneRunner.Bits(kernel.Run<Pair<F32x8>>()), Is.EqualTo(LaneRunner.Bits(portable)), "AVX2 against portable");
        if (Avx512F.IsSupported)
            Assert.That(LaneRunner.Bits(kernel.Run<F32x16>()), Is.EqualTo(LaneRunner.Bits(portable)), "AVX-512 against portable");
        return portable;
    }

    /// <summary>The largest difference, as a share of the largest expected magnitude (or of atLeast, where large terms cancel), is at most tolerance.</summary>
    public static void Near(ReadOnlySpan<float> actual, double[] expected, double tolerance, string what = "", double atLeast = 1e-30)
    {
        Assert.That(actual.Length, Is.EqualTo(expected.Length), what);
        double scale = atLeast, worst = 0;
        int at = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            if (double.IsNaN(expected[i]) || double.IsInfinity(expected[i]))
            {
                Assert.That((double)actual[i], Is.EqualTo(expected[i]), $"{what} at {i}");
                continue;
            }

            scale = Math.Max(scale, Math.Abs(expected[i]));
            double error = Math.Abs(actual[i] - expected[i]);
            if (!(error <= worst)) (worst, at) = (error, i);
        }

        Assert.That(worst / scale, Is.LessThanOrEqualTo(tolerance), $"{what} at {at}: {actual[at]:R} for {expected[at]:R}");
    }

    public static float[] Random(int seed, int n, double scale = 1, double shift = 0)
    {
        var random = new Random(seed);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) x[i] = (float)(shift + scale * 2 * (random.NextDouble() + random.NextDouble() - 1));
        return x;
    }

    public static double[] Doubles(float[] x) => Array.ConvertAll(x, v => (double)v);
}
