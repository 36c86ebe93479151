using KernelTune.Devices.Reference;

namespace KernelTune.Autograd.Tests;

/// <summary>Gradients agree with finite differences on the reference device.</summary>
public sealed class GradientTests
{
    private const double Eps = 1e-6;

    [TestCaseSource(nameof(Cases))]
    public void Gradients_agree_with_finite_differences(OperationCase of) => Compare(of, 1);

    [TestCaseSource(nameof(Cases))]
    public void Gradients_of_two_uses_add_up(OperationCase of) => Compare(of, 2);

    private static IEnumerable<TestCaseData> Cases() => OperationCases.All.Select(c => new TestCaseData(c).SetArgDisplayNames(c.Name));

    private static void Compare(OperationCase of, int uses)
    {
        using var device = new ReferenceDevice();
        using var trial = new Trial(device, of);
        double[][] ours = trial.Gradients(uses);
        for (int p = 0; p < of.Shapes.Length; p++)
        {
            if (of.Frozen.Contains(p))
                continue;
            double[] values = Array.ConvertAll(of.Values(p), v => (double)v);
            for (int i = 0; i < values.Length; i++)
            {
                double at = values[i];
                values[i] = at + Eps;
                trial.Set(p, values);
                double above = Loss(trial.Forward(), uses);
                values[i] = at - Eps;
                trial.Set(p, values);
                double below = Loss(trial.Forward(), uses);
                values[i] = at;
                double expected = (above - below) / (2 * Eps);
                Assert.That(ours[p][i], Is.EqualTo(expected).Within(1e-5 + (1e-3 * Math.Abs(expected))), $"{of.Name}: gradient of input {p}, element {i}");
            }
            trial.Set(p, values);
        }
    }

    private static double Loss(double[] y, int uses)
    {
        double sum = 0;
        for (int u = 0; u < uses; u++)
        {
            double[] cotangent = OperationCase.Cotangent(u, y.Length);
            for (int i = 0; i < y.Length; i++)
                sum += cotangent[i] * y[i];
        }
        return sum;
    }
}
