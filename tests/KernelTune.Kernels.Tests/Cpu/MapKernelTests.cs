using System.Runtime.Intrinsics.X86;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Tests.Lanes;

namespace KernelTune.Kernels.Tests.Cpu;

public sealed unsafe class MapKernelTests
{
    private static float[] Run<V, TOp>(float[] a, float[] b, float[] c, int n, int stepA, int stepB, int stepX, bool inPlace)
        where V : struct, IVectorLane<V> where TOp : struct, IElementwise<None>
    {
        float[] x = inPlace ? [.. a] : new float[n * stepX], y = new float[n];
        fixed (float* pa = inPlace ? x : a, pb = b, pc = c, px = x, py = y)
        {
            var row = new MapRow { A = new(pa, stepA), B = new(pb, stepB), C = new(pc, 1), X = new(px, stepX), Y = TOp.Outputs > 1 ? new(py, 1) : default };
            MapKernel.Run<V, F32, TOp, None>(row, n, default);
        }

        return [.. x, .. y];
    }

    private static void Agree<TOp>(int n, int stepA, int stepB, int stepX, bool inPlace) where TOp : struct, IElementwise<None>
    {
        float[] a = Lanes16.Random(1, n * Math.Max(stepA, 1), 3), b = Lanes16.Random(2, n * Math.Max(stepB, 1), 3), c = Lanes16.Random(3, n);
        int[] expected = LaneRunner.Bits(Run<F32, TOp>(a, b, c, n, stepA, stepB, stepX, inPlace));
        Assert.That(LaneRunner.Bits(Run<F32x4, TOp>(a, b, c, n, stepA, stepB, stepX, inPlace)), Is.EqualTo(expected), "F32x4");
        if (Avx2.IsSupported && Fma.IsSupported)
        {
            Assert.That(LaneRunner.Bits(Run<F32x8, TOp>(a, b, c, n, stepA, stepB, stepX, inPlace)), Is.EqualTo(expected), "F32x8");
            Assert.That(LaneRunner.Bits(Run<Pair<F32x8>, TOp>(a, b, c, n, stepA, stepB, stepX, inPlace)), Is.EqualTo(expected), "pair of F32x8");
        }

        if (Avx512F.IsSupported) Assert.That(LaneRunner.Bits(Run<F32x16, TOp>(a, b, c, n, stepA, stepB, stepX, inPlace)), Is.EqualTo(expected), "F32x16");
    }

    [Test]
    public void Dense_strided_and_broadcast_operands_agree([Values(1, 3, 16, 33, 100)] int n, [Values(0, 1, 3)] int stepA, [Values(0, 1, 2)] int stepB, [Values(1, 2)] int stepX)
    {
        Agree<Binary<SwiGlu, None>>(n, stepA, stepB, stepX, false);
        Agree<BinaryGrad<SwiGlu, None>>(n, stepA, stepB, stepX, false);
        Agree<Unary<GeluTanh, None>>(n, stepA, stepB, stepX, false);
    }

    [Test]
    public void An_output_may_be_an_input([Values(1, 16, 100)] int n)
    {
        Agree<Binary<SwiGlu, None>>(n, 1, 1, 1, true);
        Agree<BinaryGrad<SwiGlu, None>>(n, 1, 1, 1, true);
    }

    [Test]
    public void The_double_lane_runs_the_same_formula()
    {
        double[] x = [-2, -0.5, 0, 0.5, 2], y = new double[5];
        fixed (double* px = x, py = y)
        {
            var row = new MapRow { A = new(px, 1), X = new(py, 1) };
            MapKernel.Run<F64, F64, Unary<Silu, None>, None>(row, 5, default);
        }

        for (int i = 0; i < 5; i++) Assert.That(y[i], Is.EqualTo(x[i] / (1 + Math.Exp(-x[i]))).Within(1e-15));
    }
}
