using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Tests.Lanes;

/// <summary>The polynomials against double precision: the worst error in units of the last place over dense grids, and the special values.</summary>
public sealed class AccuracyTests
{
    private static double Worst(float from, float to, int points, Func<float, float> ours, Func<double, double> truth, out float at)
    {
        double worst = 0;
        at = from;
        for (int i = 0; i <= points; i++)
        {
            float x = from + (to - from) * i / points;
            double y = truth(x);
            double size = Math.Max(Math.Abs(y), 1.17549435e-38);
            double ulp = Math.ScaleB(1, Math.ILogB(size) - 23), error = Math.Abs(ours(x) - y) / ulp;
            if (error > worst) (worst, at) = (error, x);
        }

        return worst;
    }

    private static void Check(float from, float to, Func<float, float> ours, Func<double, double> truth, double limit)
    {
        double worst = Worst(from, to, 400_000, ours, truth, out float at);
        TestContext.Out.WriteLine($"[{from}, {to}]: {worst:F3} ulp at {at:R}");
        Assert.That(worst, Is.LessThanOrEqualTo(limit), $"at {at:R}");
    }

    [TestCase(-87f, 88.7f)]
    [TestCase(-1f, 1f)]
    [TestCase(-1e-3f, 1e-3f)]
    public void Exp(float from, float to) => Check(from, to, x => F32.Exp(new(x)).Value, Math.Exp, 1.0);

    [Test]
    public void Exp_below_the_normal_numbers() => Check(-103.5f, -86f, x => F32.Exp(new(x)).Value, Math.Exp, 1.6);

    [TestCase(-20f, 88.7f)]
    [TestCase(-2f, 2f)]
    [TestCase(-1e-3f, 1e-3f)]
    public void Expm1(float from, float to) => Check(from, to, x => F32.Expm1(new(x)).Value, DoubleFunctions.Expm1, 2.0);

    [TestCase(1e-38f, 1e-30f)]
    [TestCase(1e-45f, 1e-38f)]
    [TestCase(0.3f, 3f)]
    [TestCase(0.999f, 1.001f)]
    [TestCase(1f, 1e6f)]
    [TestCase(1e30f, 3e38f)]
    public void Log(float from, float to) => Check(from, to, x => F32.Log(new(x)).Value, Math.Log, 1.5);

    [TestCase(-0.9999f, 1f)]
    [TestCase(-1e-3f, 1e-3f)]
    [TestCase(0f, 1e6f)]
    public void Log1p(float from, float to) => Check(from, to, x => F32.Log1p(new(x)).Value, DoubleFunctions.Log1p, 2.0);

    [TestCase(-10f, 10f)]
    [TestCase(-1f, 1f)]
    [TestCase(-1e-3f, 1e-3f)]
    [TestCase(0f, 1e-37f)]
    public void Tanh(float from, float to) => Check(from, to, x => F32.Tanh(new(x)).Value, Math.Tanh, 2.3);

    [TestCase(-5f, 5f)]
    [TestCase(-1.2f, 1.2f)]
    [TestCase(-1e-3f, 1e-3f)]
    [TestCase(0f, 1e-37f)]
    public void Erf(float from, float to) => Check(from, to, x => F32.Erf(new(x)).Value, DoubleFunctions.Erf, 2.0);

    [Test]
    public void Special_values()
    {
        const float inf = float.PositiveInfinity;
        Assert.Multiple(() =>
        {
            Assert.That(F32.Exp(new(inf)).Value, Is.EqualTo(inf));
            Assert.That(F32.Exp(new(88.73f)).Value, Is.EqualTo(inf));
            Assert.That(F32.Exp(new(-inf)).Value, Is.Zero);
            Assert.That(F32.Exp(new(-104f)).Value, Is.Zero);
            Assert.That(F32.Exp(new(0f)).Value, Is.EqualTo(1f));
            Assert.That(F32.Exp(new(float.NaN)).Value, Is.NaN);
            Assert.That(F32.Expm1(new(inf)).Value, Is.EqualTo(inf));
            Assert.That(F32.Expm1(new(-inf)).Value, Is.EqualTo(-1f));
            Assert.That(F32.Expm1(new(float.NaN)).Value, Is.NaN);
            Assert.That(F32.Log(new(0f)).Value, Is.EqualTo(-inf));
            Assert.That(F32.Log(new(-0f)).Value, Is.EqualTo(-inf));
            Assert.That(F32.Log(new(-1f)).Value, Is.NaN);
            Assert.That(F32.Log(new(-inf)).Value, Is.NaN);
            Assert.That(F32.Log(new(inf)).Value, Is.EqualTo(inf));
            Assert.That(F32.Log(new(1f)).Value, Is.Zero);
            Assert.That(F32.Log(new(float.NaN)).Value, Is.NaN);
            Assert.That(F32.Log1p(new(-1f)).Value, Is.EqualTo(-inf));
            Assert.That(F32.Log1p(new(inf)).Value, Is.EqualTo(inf));
            Assert.That(F32.Log1p(new(-2f)).Value, Is.NaN);
            Assert.That(F32.Log1p(new(1e-30f)).Value, Is.EqualTo(1e-30f));
            Assert.That(F32.Tanh(new(inf)).Value, Is.EqualTo(1f));
            Assert.That(F32.Tanh(new(-inf)).Value, Is.EqualTo(-1f));
            Assert.That(F32.Tanh(new(float.NaN)).Value, Is.NaN);
            Assert.That(F32.Erf(new(inf)).Value, Is.EqualTo(1f));
            Assert.That(F32.Erf(new(-inf)).Value, Is.EqualTo(-1f));
            Assert.That(F32.Erf(new(float.NaN)).Value, Is.NaN);
            Assert.That(F32.Max(new(float.NaN), new(1f)).Value, Is.NaN);
            Assert.That(F32.Max(new(1f), new(float.NaN)).Value, Is.NaN);
            Assert.That(F32.Min(new(float.NaN), new(1f)).Value, Is.NaN);
        });
    }

    [TestCase(0.5, 0.52049987781304653768)]
    [TestCase(1.0, 0.84270079294971486934)]
    [TestCase(2.5, 0.99959304798255504106)]
    [TestCase(-4.0, -0.99999998458274209972)]
    public void Erf_in_double_precision(double x, double expected) => Assert.That(DoubleFunctions.Erf(x), Is.EqualTo(expected).Within(3e-15));
}
