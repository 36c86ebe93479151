using KernelTune.Devices.Calls;
using KernelTune.Devices.Reference;

namespace KernelTune.Devices.Tests.Table;

/// <summary>Every call has a case, and every case gives finite, repeatable results on the reference device.</summary>
public sealed class CallTests
{
    [TestCaseSource(nameof(Types))]
    public void Call_has_a_case(Type call) => Assert.That(CallCases.All.Where(c => c.Kind == call).Select(c => c.Name), Is.Not.Empty, $"{call.Name} has no case");

    [TestCaseSource(nameof(Cases))]
    public void Reference_runs_it_again_with_the_same_bits(CallCase of)
    {
        using var device = new ReferenceDevice();
        var seen = new CallRecorder();
        device.CallObserver = seen;
        double[][] first = Results(device, of), second = Results(device, of);
        Assert.That(seen.Types, Does.Contain(of.Call), "the case must run its own call");
        for (int o = 0; o < first.Length; o++)
            Assert.That(second[o].AsSpan().SequenceEqual(first[o]) || second[o].Zip(first[o]).All(p => p.First.Equals(p.Second)), $"output {o} differs from run to run");
    }

    [Test]
    public void Counts_of_work_are_those_of_the_shapes()
    {
        using var device = new ReferenceDevice();
        using var b = new CallBench(device, composed: false);
        var product = new MatMulCall(b.In(2, 3, 4), b.In(2, 4, 5), b.Out(2, 3, 5));
        var attention = new AttentionCall(b.In(1, 4, 2, 8), b.In(1, 6, 1, 8), b.In(1, 6, 1, 16), b.Out(1, 4, 2, 16), b.Out(1, 2, 4), new AttentionOptions(1, Causality.BottomRight), default);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(product.Flops, Is.EqualTo(2 * 2 * 3 * 4 * 5));
            Assert.That(product.Bytes, Is.EqualTo(8 * ((2 * 3 * 4) + (2 * 4 * 5) + (2 * 3 * 5))));

            // Queries 0 to 3 see 3, 4, 5 and 6 keys; two heads; 2·(8 + 16) a pair.
            Assert.That(attention.Flops, Is.EqualTo((3 + 4 + 5 + 6) * 2 * 2 * (8 + 16)));
        }
    }

    [Test]
    public void A_primitive_without_a_kernel_says_so()
    {
        using var device = new ReferenceDevice();
        using var b = new CallBench(device, composed: true);
        var e = Assert.Throws<DeviceException>(() => b.Run(new FillCall(b.Out(2), 1)))!;
        Assert.That(e.Message, Is.EqualTo("[reference] the primitive call fill has no kernel here"));
    }

    [Test]
    public void An_id_outside_the_table_is_named()
    {
        using var device = new ReferenceDevice();
        using var b = new CallBench(device, composed: false);
        var e = Assert.Throws<ShapeException>(() => b.Run(new GatherCall(b.In(4, 3), b.Integers(new Shape(2), 1, 4), b.Out(2, 3))))!;
        Assert.That(e.Message, Is.EqualTo("[gather] id 4 at position 1 is outside the table's 4 rows"));
    }

    internal static double[][] Results(Device device, CallCase of, bool composed = false)
    {
        using var bench = new CallBench(device, composed);
        of.Run(bench);
        return bench.Results();
    }

    private static IEnumerable<TestCaseData> Cases() => CallCases.All.Where(c => !c.WantsPanels).Select(c => new TestCaseData(c).SetArgDisplayNames(c.ToString()));

    private static IEnumerable<TestCaseData> Types() =>
        from type in typeof(ICall).Assembly.GetTypes()
        where type.IsValueType && type.GetInterfaces().Contains(typeof(ICall))
        select new TestCaseData(type).SetArgDisplayNames(type.Name);
}
