using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Tests.Cpu;

public sealed unsafe class RandomRowsTests
{
    private static readonly RandomPlace Place = new(42, StableHash.Site("model.layers.0/dropout"), 7, 0);

    private static IEnumerable<InstructionSet> Sets => Enum.GetValues<InstructionSet>().Where(InstructionSets.IsSupported);

    [Test]
    public void Pieces_and_widths_do_not_matter([Values(1, 4, 63, 64, 65, 130, 1000)] int n)
    {
        float[] expected = new float[n];
        fixed (float* y = expected) RandomRows.Uniform(InstructionSet.Portable, y, 0, n, Place);
        foreach (InstructionSet set in Sets)
        foreach (int cut in new[] { 0, 4, 64, 100 })
        {
            float[] actual = new float[n + 1];
            actual[n] = -1;
            int middle = Math.Min(cut, n / 4 * 4);
            fixed (float* y = actual)
            {
                RandomRows.Uniform(set, y, 0, middle, Place);
                RandomRows.Uniform(set, y, middle, n, Place);
            }

            Assert.That(actual[..n], Is.EqualTo(expected), $"{set} cut at {middle}");
            Assert.That(actual[n], Is.EqualTo(-1f), "nothing is written beyond the end");
        }
    }

    [TestCase(0.1)]
    [TestCase(0.5)]
    public void Dropout_keeps_the_mean_and_is_the_same_again(double p)
    {
        const int n = 200_000;
        float[] ones = new float[n], y = new float[n], again = new float[n];
        Array.Fill(ones, 1f);
        fixed (float* x = ones, py = y, pa = again)
        {
            RandomRows.Dropout(InstructionSets.Best, x, py, 0, n, Place, p);
            RandomRows.Dropout(InstructionSet.Portable, x, pa, 0, n, Place, p);
            Assert.That(again, Is.EqualTo(y));
            RandomRows.Dropout(InstructionSets.Best, x, pa, 0, n, Place with { Step = 8 }, p);
        }

        float kept = (float)(1 / (1 - p));
        Assert.That(y, Is.All.EqualTo(0f).Or.EqualTo(kept));
        double rate = y.Count(v => v == 0) / (double)n;
        Assert.That(rate, Is.EqualTo(p).Within(5 * Math.Sqrt(p * (1 - p) / n)));
        double both = y.Zip(again).Count(t => t.First == 0 && t.Second == 0) / (double)n;
        Assert.That(both, Is.EqualTo(p * p).Within(0.01), "another step drops other elements");
    }

    [Test]
    public void Uniform_numbers_are_uniform()
    {
        const int n = 1 << 20;
        float[] u = new float[n];
        fixed (float* y = u) RandomRows.Uniform(InstructionSets.Best, y, 0, n, Place);
        double mean = u.Average(v => (double)v), square = u.Average(v => (double)v * v);
        Assert.That(mean, Is.EqualTo(0.5).Within(0.002));
        Assert.That(square, Is.EqualTo(1.0 / 3).Within(0.002));
        int[] bins = new int[64];
        foreach (float v in u) bins[(int)(v * 64)]++;
        double chi = bins.Sum(b => Math.Pow(b - n / 64.0, 2) / (n / 64.0));
        Assert.That(chi, Is.InRange(25, 120), "χ² of 64 bins: 63 degrees of freedom");
    }
}
