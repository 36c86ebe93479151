using KernelTune.Kernels.Cpu;

namespace KernelTune.Kernels.Tests.Attention;

/// <summary>The reference's own gradients, against finite differences.</summary>
public sealed unsafe class AttentionReferenceTests
{
    [Test]
    public void Gradients_agree_with_finite_differences()
    {
        var shape = new AttentionShape
        {
            Batch = 2, Queries = 3, Keys = 5, Heads = 4, KeyHeads = 2, Width = 3, ValueWidth = 2, Scale = 0.7f, Softcap = 2, Latest = 0,
        };
        var random = new Random(3);
        double[] Draw(int n) => [.. Enumerable.Range(0, n).Select(_ => random.NextDouble() * 2 - 1)];
        // q, k, v, bias [1, H, Tq, Tk], sinks, dy
        double[][] inputs = [Draw(2 * 3 * 4 * 3), Draw(2 * 5 * 2 * 3), Draw(2 * 5 * 2 * 2), Draw(4 * 3 * 5), Draw(4)];
        var dy = Draw(2 * 3 * 4 * 2);
        double[][] grads = [.. inputs.Select(x => new double[x.Length])];
        Evaluate(shape, inputs, dy, grads);
        const double Step = 1e-5;
        for (var n = 0; n < inputs.Length; n++)
            for (var i = 0; i < inputs[n].Length; i++)
            {
                var x = inputs[n][i];
                inputs[n][i] = x + Step;
                var above = Evaluate(shape, inputs, dy, null);
                inputs[n][i] = x - Step;
                var below = Evaluate(shape, inputs, dy, null);
                inputs[n][i] = x;
                Assert.That(grads[n][i], Is.EqualTo((above - below) / (2 * Step)).Within(1e-8), $"input {n}, element {i}");
            }
    }

    private static double Evaluate(AttentionShape shape, double[][] inputs, double[] dy, double[][]? grads)
    {
        var y = new double[dy.Length];
        var lse = new double[2 * 4 * 3];
        var slopes = new[] { 0.1, 0.2, 0.3, 0.4 };
        long[] keyMask = [1, 1, 1, 1, 1, 1, 0, 1, 1, 1];
        var work = new double[AttentionReference.Workspace(shape) / 8];
        fixed (double* q = inputs[0], k = inputs[1], v = inputs[2], bias = inputs[3], sinks = inputs[4], py = y, pl = lse, ps = slopes, pdy = dy, pw = work)
        fixed (long* pm = keyMask)
        {
            var args = new AttentionArgs<double>
            {
                Shape = shape, Q = q, K = k, V = v, Y = py, Lse = pl, QStride = new(36, 12, 3), KStride = new(30, 6, 3), VStride = new(20, 4, 2),
                YStride = new(24, 8, 2), KeyMask = pm, KeyMaskStride = 5, Bias = bias, BiasStride = new(0, 15, 5, 1), Slopes = ps, Sinks = sinks,
            };
            AttentionReference.Forward(args, pw);
            if (grads is not null)
                fixed (double* dq = grads[0], dk = grads[1], dv = grads[2], db = grads[3], ds = grads[4])
                    AttentionReference.Backward(
                        new AttentionGradArgs<double>
                        {
                            Forward = args, DY = pdy, DYStride = args.YStride, DQ = dq, DK = dk, DV = dv, DQStride = args.QStride, DKStride = args.KStride,
                            DVStride = args.VStride, DSinks = ds,
                        },
                        db, pw);
        }
        return y.Zip(dy, (a, b) => a * b).Sum();
    }
}
