using KernelTune.Devices.Calls;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Reference;

namespace KernelTune.Devices.Tests.Cpu;

/// <summary>The CPU device computes what the reference device computes.</summary>
public class DevicesAgreeTests
{
    private static IEnumerable<CallCase> Cases => [.. PrimitiveCases.All(), .. FusedCases.All()];

    [TestCaseSource(nameof(Cases))]
    public void The_cpu_agrees_with_the_reference(object source)
    {
        var one = (CallCase)source;
        using var cpu = new CpuDevice(2);
        using var reference = new ReferenceDevice();
        using (var ours = new CallBench(cpu))
        using (var truth = new CallBench(reference))
        {
            one.Run(ours);
            one.Run(truth);
            Assert.That(ours.Results, Has.Count.EqualTo(truth.Results.Count));
            for (int i = 0; i < ours.Results.Count; i++)
                Compare($"{one.Name}: {ours.Results[i].Name}", ours.Read(ours.Results[i].View), truth.Read(truth.Results[i].View), one.Tolerance);
        }
        Assert.That(cpu.Outstanding, Is.Zero, "bytes outstanding");
    }

    [Test]
    public void Every_call_has_a_case()
    {
        var seen = new SeenCalls();
        using var cpu = new CpuDevice(1) { CallObserver = seen };
        foreach (var one in Cases)
        {
            using var bench = new CallBench(cpu);
            one.Run(bench);
        }
        var all = typeof(ICall).Assembly.GetTypes().Where(t => t.IsValueType && t.IsAssignableTo(typeof(ICall))).Select(t => t.Name);
        Assert.That(all.Except(seen.Names), Is.Empty);
    }

    private static void Compare(string what, double[] ours, double[] truth, double tolerance)
    {
        double scale = truth.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max();
        double worst = 0;
        int at = -1;
        for (int i = 0; i < truth.Length; i++)
        {
            double error = truth[i].Equals(ours[i]) ? 0 : Math.Abs(ours[i] - truth[i]);
            if (double.IsNaN(error) || error > worst)
                (worst, at) = (error, i);
            if (double.IsNaN(error))
                break;
        }
        Assert.That(worst, Is.LessThanOrEqualTo(tolerance * Math.Max(scale, 1)),
            () => $"{what}[{at}] is {ours[at]:R}, wanted {truth[at]:R}");
    }

    private sealed class SeenCalls : ICallObserver
    {
        public HashSet<string> Names { get; } = [];

        public void Begin<TCall>(Device device, in TCall call)
            where TCall : struct, ICall => Names.Add(typeof(TCall).Name);

        public void End<TCall>(Device device, in TCall call)
            where TCall : struct, ICall
        {
        }
    }
}
