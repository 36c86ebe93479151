using System.Runtime.Intrinsics.X86;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Tests.Cpu;
using KernelTune.Kernels.Tests.Lanes;

namespace KernelTune.Kernels.Tests.Elementwise;

public sealed unsafe class AdamWTests
{
    private const double Beta1 = 0.9, Beta2 = 0.999, Eps = 1e-8, Decay = 0.01;

    private static float[] Steps<V>(float[] start, int steps, double clip) where V : struct, IVectorLane<V>
    {
        int n = start.Length;
        float[] p = [.. start], m = new float[n], v = new float[n];
        fixed (float* pp = p, pm = m, pv = v)
        {
            for (int t = 1; t <= steps; t++)
            {
                float[] gradient = Lanes16.Random(t, n, 0.1);
                fixed (float* g = gradient)
                {
                    var row = new MapRow { A = new(pp, 1), B = new(g, 1), C = new(pm, 1), D = new(pv, 1), X = new(pp, 1), Y = new(pm, 1), Z = new(pv, 1) };
                    var step = UpdateParams.Of(new UpdateSettings(Beta1, Beta2, Eps, Decay), 1e-2 / t, 1 - Math.Pow(Beta1, t), 1 - Math.Pow(Beta2, t), clip);
                    MapKernel.Run<V, F32, AdamW, UpdateParams>(row, n, step);
                }
            }
        }

        return [.. p, .. m, .. v];
    }

    [TestCase(1.0)]
    [TestCase(0.3)]
    public void Twenty_steps_against_double_precision(double clip)
    {
        const int n = 37;
        float[] start = Lanes16.Random(99, n);
        double[] p = Lanes16.Doubles(start), m = new double[n], v = new double[n];
        for (int t = 1; t <= 20; t++)
        {
            float[] g = Lanes16.Random(t, n, 0.1);
            double lr = 1e-2 / t;
            for (int i = 0; i < n; i++)
            {
                double gradient = g[i] * clip;
                p[i] *= 1 - lr * Decay;
                m[i] = Beta1 * m[i] + (1 - Beta1) * gradient;
                v[i] = Beta2 * v[i] + (1 - Beta2) * gradient * gradient;
                p[i] -= lr / (1 - Math.Pow(Beta1, t)) * m[i] / (Math.Sqrt(v[i]) / Math.Sqrt(1 - Math.Pow(Beta2, t)) + Eps);
            }
        }

        float[] ours = Steps<F32>(start, 20, clip);
        Lanes16.Near(ours.AsSpan(0, n), p, 3e-7, "p");
        Lanes16.Near(ours.AsSpan(n, n), m, 1e-6, "m");
        Lanes16.Near(ours.AsSpan(2 * n, n), v, 1e-6, "v");
    }

    [Test]
    public void Every_width_has_the_same_bits()
    {
        float[] start = Lanes16.Random(99, 75);
        int[] expected = LaneRunner.Bits(Steps<F32>(start, 5, 0.5));
        Assert.That(LaneRunner.Bits(Steps<F32x4>(start, 5, 0.5)), Is.EqualTo(expected));
        if (Avx2.IsSupported && Fma.IsSupported) Assert.That(LaneRunner.Bits(Steps<F32x8>(start, 5, 0.5)), Is.EqualTo(expected));
        if (Avx512F.IsSupported) Assert.That(LaneRunner.Bits(Steps<F32x16>(start, 5, 0.5)), Is.EqualTo(expected));
    }

    [Test]
    public void A_gradient_of_zero_only_decays()
    {
        float p = 2, g = 0, m = 0, v = 0;
        var row = new MapRow { A = new(&p, 1), B = new(&g, 1), C = new(&m, 1), D = new(&v, 1), X = new(&p, 1), Y = new(&m, 1), Z = new(&v, 1) };
        MapKernel.Run<F32, F32, AdamW, UpdateParams>(row, 1, UpdateParams.Of(new UpdateSettings(Beta1, Beta2, Eps, 0.1), 0.5, 0.1, 0.001, 1));
        Assert.That((p, m, v), Is.EqualTo((1.9f, 0f, 0f)));
    }
}
