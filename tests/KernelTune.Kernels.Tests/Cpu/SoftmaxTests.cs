using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Tests.Cpu;

public sealed unsafe class SoftmaxTests
{
    private sealed record Case(float[] X, float[] Dy, int Columns, bool Log, bool EmptyIsZero, bool Accumulate) : IKernelCase
    {
        public float[] Run<V>() where V : struct, IRowLane<V>
        {
            int rows = X.Length / Columns;
            float[] y = new float[X.Length], dx = new float[X.Length];
            if (Accumulate) Array.Fill(dx, 0.5f);
            fixed (float* x = X, py = y, dy = Dy, pdx = dx)
            {
                Softmax.Forward<V>(x, Columns, py, Columns, 0, rows, Columns, Log, EmptyIsZero);
                Softmax.Grad<V>(py, Columns, dy, Columns, pdx, Columns, 0, rows, Columns, Log, Accumulate);
            }

            return [.. y, .. dx];
        }
    }

    [Test]
    public void Softmax_and_its_logarithm([ValueSource(typeof(Lanes16), nameof(Lanes16.Lengths))] int columns, [Values] bool log, [Values] bool accumulate)
    {
        float[] x = Lanes16.Random(1, 2 * columns, 8, 100), dy = Lanes16.Random(2, 2 * columns);
        ReadOnlySpan<float> all = Lanes16.Same(new Case(x, dy, columns, log, false, accumulate));
        double[] y = new double[x.Length], dx = new double[x.Length];
        for (int r = 0; r < 2; r++)
        {
            double sum = 0, dot = 0;
            for (int c = 0; c < columns; c++) sum += Math.Exp(x[r * columns + c] - 100.0);
            for (int c = 0; c < columns; c++)
            {
                int i = r * columns + c;
                double p = Math.Exp(x[i] - 100.0) / sum;
                y[i] = log ? x[i] - 100.0 - Math.Log(sum) : p;
                dot += log ? dy[i] : dy[i] * p;
            }

            for (int c = 0; c < columns; c++)
            {
                int i = r * columns + c;
                dx[i] = (accumulate ? 0.5 : 0) + (log ? dy[i] - Math.Exp(y[i]) * dot : y[i] * (dy[i] - dot));
            }
        }

        Lanes16.Near(all[..x.Length], y, log ? 2e-6 : 1e-6, "y");
        if (columns > 1 || accumulate) Lanes16.Near(all[x.Length..], dx, 3e-6, "dx", 0.1);
    }

    [Test]
    public void Minus_infinity_gives_zero_and_a_row_of_it_is_NaN_or_zeros([Values] bool emptyIsZero)
    {
        const float none = float.NegativeInfinity;
        float[] x = [1, none, 2, none, none, none], dy = [1, 2, 3, 4, 5, 6];
        float[] all = Lanes16.Same(new Case(x, dy, 3, false, emptyIsZero, false));
        Assert.That(all[0], Is.EqualTo(1 / (1 + MathF.E)).Within(1e-7));
        Assert.That(all[1], Is.Zero);
        Assert.That(all[7], Is.Zero, "the gradient of a masked entry");
        Assert.That(all[3..6], emptyIsZero ? Is.All.Zero : Is.All.NaN);
        Assert.That(all[9..12], emptyIsZero ? Is.All.Zero : Is.All.NaN);
    }
}
