using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Tests.Cpu;

public sealed unsafe class NormTests
{
    private const int Rows = 3;

    private sealed record Rms(float[] X, float[]? Weight, float Offset, float[] Dy, float Eps, int Columns, bool Accumulate) : IKernelCase
    {
        public float[] Run<V>() where V : struct, IRowLane<V>
        {
            float[] y = new float[X.Length], rstd = new float[Rows], dx = Accumulate ? Lanes16.Random(77, X.Length) : new float[X.Length], dw = new float[Columns];
            fixed (float* x = X, w = Weight, py = y, pr = rstd, dy = Dy, pdx = dx, pdw = dw)
            {
                RmsNorm.Forward<V>(x, Columns, w, Offset, py, Columns, pr, 0, 1, Columns, Eps);
                RmsNorm.Forward<V>(x, Columns, w, Offset, py, Columns, pr, 1, Rows, Columns, Eps);
                RmsNorm.GradInput<V>(x, Columns, w, Offset, pr, dy, Columns, pdx, Columns, 0, Rows, Columns, Accumulate);
                RmsNorm.GradWeight<V>(x, Columns, pr, dy, Columns, pdw, 0, Rows, Columns);
            }

            return [.. y, .. rstd, .. dx, .. dw];
        }
    }

    private sealed record Layer(float[] X, float[]? Weight, float[]? Bias, float[] Dy, float Eps, int Columns, bool Accumulate) : IKernelCase
    {
        public float[] Run<V>() where V : struct, IRowLane<V>
        {
            float[] y = new float[X.Length], mean = new float[Rows], rstd = new float[Rows];
            float[] dx = Accumulate ? Lanes16.Random(77, X.Length) : new float[X.Length], dw = new float[Columns], db = new float[Columns];
            fixed (float* x = X, w = Weight, b = Bias, py = y, pm = mean, pr = rstd, dy = Dy, pdx = dx, pdw = dw, pdb = db)
            {
                LayerNorm.Forward<V>(x, Columns, w, b, py, Columns, pm, pr, 0, Rows, Columns, Eps);
                LayerNorm.GradInput<V>(x, Columns, w, pm, pr, dy, Columns, pdx, Columns, 0, Rows, Columns, Accumulate);
                LayerNorm.GradWeight<V>(x, Columns, pm, pr, dy, Columns, pdw, pdb, 0, Rows, Columns);
            }

            return [.. y, .. mean, .. rstd, .. dx, .. dw, .. db];
        }
    }

    [Test]
    public void Rms_norm_forward_and_backward(
        [ValueSource(typeof(Lanes16), nameof(Lanes16.Lengths))] int columns, [Values] bool weighted, [Values(0f, 1f)] float offset, [Values] bool accumulate)
    {
        float[] x = Lanes16.Random(1, Rows * columns, 2), dy = Lanes16.Random(3, Rows * columns), w = Lanes16.Random(2, columns);
        const float eps = 1e-6f;
        ReadOnlySpan<float> all = Lanes16.Same(new Rms(x, weighted ? w : null, offset, dy, eps, columns, accumulate));

        double[] y = new double[x.Length], rstd = new double[Rows], dx = accumulate ? Lanes16.Doubles(Lanes16.Random(77, x.Length)) : new double[x.Length], dw = new double[columns];
        for (int r = 0; r < Rows; r++)
        {
            double squares = 0, dot = 0;
            for (int c = 0; c < columns; c++) squares += (double)x[r * columns + c] * x[r * columns + c];
            rstd[r] = 1 / Math.Sqrt(squares / columns + eps);
            for (int c = 0; c < columns; c++)
            {
                int i = r * columns + c;
                double scale = weighted ? w[c] + (double)offset : 1;
                y[i] = x[i] * rstd[r] * scale;
                dot += dy[i] * scale * x[i];
                dw[c] += (double)dy[i] * x[i] * rstd[r];
            }

            for (int c = 0; c < columns; c++)
            {
                int i = r * columns + c;
                double g = dy[i] * (weighted ? w[c] + (double)offset : 1);
                dx[i] += rstd[r] * (g - x[i] * rstd[r] * rstd[r] * dot / columns);
            }
        }

        Lanes16.Near(all[..x.Length], y, 5e-7, "y");
        Lanes16.Near(all.Slice(x.Length, Rows), rstd, 5e-7, "rstd");
        if (columns > 2) Lanes16.Near(all.Slice(x.Length + Rows, x.Length), dx, 3e-6, "dx");
        Lanes16.Near(all[(2 * x.Length + Rows)..], dw, 1e-6, "dw");
    }

    [Test]
    public void Layer_norm_forward_and_backward(
        [ValueSource(typeof(Lanes16), nameof(Lanes16.Lengths))] int columns, [Values] bool weighted, [Values] bool biased, [Values] bool accumulate)
    {
        float[] x = Lanes16.Random(1, Rows * columns, 2, 1), dy = Lanes16.Random(3, Rows * columns), w = Lanes16.Random(2, columns), b = Lanes16.Random(4, columns);
        const float eps = 1e-5f;
        ReadOnlySpan<float> all = Lanes16.Same(new Layer(x, weighted ? w : null, biased ? b : null, dy, eps, columns, accumulate));

        double[] y = new double[x.Length], mean = new double[Rows], rstd = new double[Rows], dw = new double[columns], db = new double[columns];
        double[] dx = accumulate ? Lanes16.Doubles(Lanes16.Random(77, x.Length)) : new double[x.Length];
        for (int r = 0; r < Rows; r++)
        {
            double variance = 0, meanG = 0, meanGn = 0;
            for (int c = 0; c < columns; c++) mean[r] += x[r * columns + c] / (double)columns;
            for (int c = 0; c < columns; c++) variance += Math.Pow(x[r * columns + c] - mean[r], 2) / columns;
            rstd[r] = 1 / Math.Sqrt(variance + eps);
            for (int c = 0; c < columns; c++)
            {
                int i = r * columns + c;
                double n = (x[i] - mean[r]) * rstd[r], scale = weighted ? w[c] : 1;
                y[i] = n * scale + (biased ? b[c] : 0);
                meanG += dy[i] * scale / columns;
                meanGn += dy[i] * scale * n / columns;
                dw[c] += dy[i] * n;
                db[c] += dy[i];
            }

            for (int c = 0; c < columns; c++)
            {
                int i = r * columns + c;
                dx[i] += rstd[r] * (dy[i] * (weighted ? w[c] : 1.0) - meanG - (x[i] - mean[r]) * rstd[r] * meanGn);
            }
        }

        int at = 0;
        Lanes16.Near(all[..(at = x.Length)], y, columns == 2 ? 3e-6 : 1e-6, "y");
        Lanes16.Near(all.Slice(at, Rows), mean, 5e-7, "mean");
        Lanes16.Near(all.Slice(at + Rows, Rows), rstd, 2e-6, "rstd");
        if (columns > 2) Lanes16.Near(all.Slice(at + 2 * Rows, x.Length), dx, 5e-6, "dx");
        Lanes16.Near(all.Slice(2 * at + 2 * Rows, columns), dw, 2e-6, "dw");
        Lanes16.Near(all[(2 * at + 2 * Rows + columns)..], db, 1e-6, "db");
    }

    [Test]
    public void A_row_of_zeros_is_finite()
    {
        ReadOnlySpan<float> all = Lanes16.Same(new Rms(new float[3 * 40], null, 0, Lanes16.Random(1, 120), 1e-6f, 40, false));
        Assert.That(all[..120].ToArray(), Is.All.EqualTo(0f));
        Assert.That(all.Slice(120, 3).ToArray(), Is.All.EqualTo(1000f).Within(1e-3));
    }
}
