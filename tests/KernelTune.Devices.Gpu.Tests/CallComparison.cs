using KernelTune.Devices.Tests.Table;

namespace KernelTune.Devices.Gpu.Tests;

/// <summary>Runs a case of the table and compares what two devices made of it.</summary>
internal static class CallComparison
{
    /// <summary>The cases for a device that keeps no panels.</summary>
    public static IEnumerable<TestCaseData> Cases() => CallCases.All.Where(c => !c.WantsPanels).Select(c => new TestCaseData(c).SetArgDisplayNames(c.ToString()));

    public static double[][] Results(Device device, CallCase of)
    {
        using var bench = new CallBench(device, composed: false);
        of.Run(bench);
        return bench.Results();
    }

    public static void Compare(CallCase of, double[][] ours, double[][] expected)
    {
        Assert.That(ours, Has.Length.EqualTo(expected.Length));
        for (int o = 0; o < ours.Length; o++)
        {
            Assert.That(ours[o], Has.Length.EqualTo(expected[o].Length));
            for (int i = 0; i < ours[o].Length; i++)
            {
                double a = ours[o][i], b = expected[o][i];
                bool close = a.Equals(b) || Math.Abs(a - b) <= of.Absolute + (of.Relative * Math.Abs(b));
                Assert.That(close, Is.True, $"output {o}, element {i}: {a:R} against {b:R}");
            }
        }
    }
}
