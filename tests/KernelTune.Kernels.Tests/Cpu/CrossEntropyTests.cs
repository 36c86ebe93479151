using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Tests.Cpu;

public sealed unsafe class CrossEntropyTests
{
    private const int Rows = 3;

    private sealed record Case(float[] Logits, long[] Labels, float[]? Weight, int Columns, CrossEntropySettings Settings, float Scale) : IKernelCase
    {
        public float[] Run<V>() where V : struct, IRowLane<V>
        {
            float[] loss = new float[Rows], lse = new float[Rows], d = [.. Logits];
            float scale = Scale;
            fixed (float* w = Weight, pl = loss, pe = lse, pd = d)
            fixed (long* labels = Labels)
            {
                CrossEntropy.Forward<V>(pd, Columns, labels, w, pl, pe, 0, Rows, Columns, Settings);
                // In place: the gradient overwrites the logits.
                CrossEntropy.Grad<V>(pd, Columns, labels, w, Weight?.Sum() ?? 0, pe, &scale, 0, pd, Columns, 0, Rows, Columns, Settings);
            }

            return [.. loss, .. lse, .. d];
        }
    }

    [Test]
    public void Loss_and_gradient(
        [Values(2, 16, 17, 63, 65, 1000)] int columns, [Values(0f, 0.1f)] float smoothing, [Values(0f, 0.01f)] float zLoss, [Values(0f, 5f)] float cap, [Values] bool weighted)
    {
        float[] logits = Lanes16.Random(1, Rows * columns, 6, 3), weight = [.. Lanes16.Random(2, columns).Select(w => Math.Abs(w) + 0.1f)];
        long[] labels = [columns - 1, -100, 1];
        var settings = new CrossEntropySettings(-100, smoothing, zLoss, cap);
        const double scale = 0.25;
        ReadOnlySpan<float> all = Lanes16.Same(new Case(logits, labels, weighted ? weight : null, columns, settings, (float)scale));

        double[] loss = new double[Rows], lse = new double[Rows], d = new double[Rows * columns];
        for (int r = 0; r < Rows; r++)
        {
            double[] z = [.. Enumerable.Range(0, columns).Select(c => cap > 0 ? cap * Math.Tanh(logits[r * columns + c] / (double)cap) : logits[r * columns + c])];
            double max = z.Max();
            lse[r] = max + Math.Log(z.Sum(v => Math.Exp(v - max)));
            if (labels[r] < 0) continue;
            double[] t = [.. Enumerable.Range(0, columns).Select(c => ((c == labels[r] ? 1 - smoothing : 0) + (double)smoothing / columns) * (weighted ? weight[c] : 1))];
            double mass = t.Sum() + 2 * zLoss * lse[r];
            loss[r] = zLoss * lse[r] * lse[r];
            for (int c = 0; c < columns; c++)
            {
                loss[r] += t[c] * (lse[r] - z[c]);
                double slope = cap > 0 ? 1 - Math.Pow(z[c] / cap, 2) : 1;
                d[r * columns + c] = scale * (Math.Exp(z[c] - lse[r]) * mass - t[c]) * slope;
            }
        }

        Lanes16.Near(all[..Rows], loss, 2e-6, "loss");
        Lanes16.Near(all.Slice(Rows, Rows), lse, 1e-6, "lse");
        Lanes16.Near(all[(2 * Rows)..], d, 3e-6, "dlogits");
        Assert.That(all[1], Is.Zero, "an ignored row's loss");
        Assert.That(all.Slice(2 * Rows + columns, columns).ToArray(), Is.All.Zero, "an ignored row's gradient");
    }

    [Test]
    public void Large_logits_stay_finite()
    {
        float[] logits = new float[Rows * 20];
        Array.Fill(logits, -3e4f);
        (logits[3], logits[25], logits[45]) = (3e4f, 1e4f, 0f);
        float[] all = Lanes16.Same(new Case(logits, [3, 4, 5], null, 20, new CrossEntropySettings(-100), 1));
        Assert.That(all[..3], Is.EqualTo(new[] { 0f, 4e4f, 0f }));
        Assert.That(all[6..], Is.All.InRange(-1f, 1f));
    }
}
