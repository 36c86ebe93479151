using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Tests.Cpu;

public sealed unsafe class ReductionsTests
{
    private sealed record Rows(ReductionKind Kind, float[] X) : IKernelCase
    {
        public float[] Run<V>() where V : struct, IRowLane<V>
        {
            fixed (float* x = X) return [Reductions.Row<V>(Kind, x, X.Length)];
        }
    }

    private sealed record Columns(ReductionKind Kind, float[] X, int Step, int Width, bool Accumulate) : IKernelCase
    {
        public float[] Run<V>() where V : struct, IRowLane<V>
        {
            float[] y = new float[Width + 1];
            Array.Fill(y, 2f);
            fixed (float* x = X, py = y) Reductions.Columns<V>(Kind, x, Step, X.Length / Step, py, Width, Accumulate);
            Assert.That(y[Width], Is.EqualTo(2f), "nothing is written beyond the columns");
            return y[..Width];
        }
    }

    private static double Expected(ReductionKind kind, IEnumerable<float> x) => kind switch
    {
        ReductionKind.Sum => x.Sum(v => (double)v),
        ReductionKind.SumOfSquares => x.Sum(v => (double)v * v),
        ReductionKind.Max => x.Max(),
        _ => x.Min(),
    };

    [Test]
    public void Rows_of_every_length([Values] ReductionKind kind, [Values(1, 7, 16, 31, 32, 33, 100, 8192, 8193, 100_003)] int n)
    {
        float[] x = Lanes16.Random(n, n, 3, 0.5);
        float y = Lanes16.Same(new Rows(kind, x))[0];
        double allowed = kind is ReductionKind.Max or ReductionKind.Min ? 0 : 1e-6 * x.Sum(v => Math.Abs((double)v) * (kind == ReductionKind.Sum ? 1 : Math.Abs(v)));
        Assert.That((double)y, Is.EqualTo(Expected(kind, x)).Within(allowed));
    }

    [TestCase(ReductionKind.Sum, 0f)]
    [TestCase(ReductionKind.SumOfSquares, 0f)]
    [TestCase(ReductionKind.Max, float.NegativeInfinity)]
    [TestCase(ReductionKind.Min, float.PositiveInfinity)]
    public void Nothing_reduces_to_the_neutral_number(ReductionKind kind, float expected) => Assert.That(Lanes16.Same(new Rows(kind, []))[0], Is.EqualTo(expected));

    [Test]
    public void NaN_is_the_largest_and_the_smallest([Values(ReductionKind.Max, ReductionKind.Min)] ReductionKind kind, [Values(0, 40, 99)] int at)
    {
        float[] x = Lanes16.Random(1, 100);
        x[at] = float.NaN;
        Assert.That(Lanes16.Same(new Rows(kind, x))[0], Is.NaN);
    }

    [Test]
    public void Columns_of_every_width([Values] ReductionKind kind, [Values(1, 15, 16, 17, 32, 50)] int width, [Values(1, 3, 64, 65, 300)] int rows, [Values] bool accumulate)
    {
        bool sums = kind is ReductionKind.Sum or ReductionKind.SumOfSquares;
        accumulate &= sums;
        int step = width + 3;
        float[] x = Lanes16.Random(width, rows * step, 2, 0.5);
        float[] y = Lanes16.Same(new Columns(kind, x, step, width, accumulate));
        for (int c = 0; c < width; c++)
        {
            float[] column = [.. Enumerable.Range(0, rows).Select(r => x[r * step + c])];
            double expected = Expected(kind, column) + (accumulate ? 2 : 0);
            Assert.That((double)y[c], Is.EqualTo(expected).Within(sums ? 1e-6 * (2 + column.Sum(v => Math.Abs((double)v) * Math.Max(1, Math.Abs(v)))) : 0));
        }
    }

    private sealed record FirstLargest(float[] X) : IKernelCase
    {
        public float[] Run<V>() where V : struct, IRowLane<V>
        {
            fixed (float* x = X) return [Reductions.ArgMax<V>(x, X.Length)];
        }
    }

    [Test]
    public void ArgMax_is_the_first_of_ties([Values(1, 16, 17, 40, 333)] int n)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            float[] x = [.. Lanes16.Random(seed, n, 4).Select(v => MathF.Round(v))];
            Assert.That(Lanes16.Same(new FirstLargest(x))[0], Is.EqualTo(Array.IndexOf(x, x.Max())));
            x[n / 2] = float.NaN;
            Assert.That(Lanes16.Same(new FirstLargest(x))[0], Is.EqualTo(n / 2));
        }
    }

    [Test]
    public void Sums_in_double_are_good_to_thirteen_digits([Values(1, 16, 17, 10_007)] int n)
    {
        float[] x = Lanes16.Random(n, n, 100);
        fixed (float* p = x)
        {
            Assert.That(Reductions.SumInDouble(p, n), Is.EqualTo(Expected(ReductionKind.Sum, x)).Within(1e-14 * x.Sum(v => Math.Abs((double)v))));
            Assert.That(Reductions.SumOfSquaresInDouble(p, n), Is.EqualTo(Expected(ReductionKind.SumOfSquares, x)).Within(1e-11).Percent);
        }
    }
}
