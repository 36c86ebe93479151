using KernelTune.Devices.Calls;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Tests.Table;

/// <summary>Calls along an axis in order: running sums and sorting.</summary>
internal static class OrderCases
{
    public static IEnumerable<CallCase> All =>
    [
        .. from n in (int[])[1, 3, 17, 256, 300, 1037]
           select Of<ScanCall>($"rows of {n}", b => b.Run(new ScanCall(b.In(3, n), b.Out(3, n), 1))),
        Of<ScanCall>("down the columns", b => b.Run(new ScanCall(b.In(40, 7), b.Out(40, 7), 0))),
        Of<ScanCall>("a middle axis, from the end", b => b.Run(new ScanCall(b.In(3, 20, 5), b.Out(3, 20, 5), 1, Reverse: true))),
        Of<ScanCall>("a transpose, from the end", b => b.Run(new ScanCall(b.In(40, 7).Transpose(0, 1), b.Out(7, 40), -1, Reverse: true))),
        Of<ScanCall>("positions from a mask", b => b.Run(new ScanCall(b.Integers(new Shape(2, 6), 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0), b.Out(DType.I64, 2, 6), 1))),
        Of<ScanCall>("doubles", b => b.Run(new ScanCall(b.Given(new Shape(4), DType.F64, 1e12, 1, -1e12, 3), b.Out(DType.F64, 4), 0))),
        Of<ScanCall>("nothing", b => b.Run(new ScanCall(b.In(3, 0), b.Out(3, 0), 1))),
        .. from n in (int[])[1, 2, 5, 64, 100, 1037]
           from down in (bool[])[false, true]
           select Of<SortCall>($"rows of {n}{(down ? ", the greatest first" : "")}", b => b.Run(new SortCall(b.In(3, n), b.Out(3, n), b.Out(DType.I64, 3, n), down))) with { Absolute = 0, Relative = 0 },
        .. from down in (bool[])[false, true]
           select Of<SortCall>($"equals, zeros, infinities and NaN{(down ? ", the greatest first" : "")}", b => b.Run(new SortCall(
               b.Given(new Shape(2, 7), 1, 3, 2, 3, 1, 2, 3, 0, -0.0, double.NaN, double.PositiveInfinity, -1, double.NegativeInfinity, double.NaN),
               b.Out(2, 7), b.Out(DType.I64, 2, 7), down))) with { Absolute = 0, Relative = 0 },
        Of<SortCall>("columns", b => b.Run(new SortCall(b.In(33, 5).Transpose(0, 1), b.Out(33, 5).Transpose(0, 1), b.Out(DType.I64, 5, 33)))) with { Absolute = 0, Relative = 0 },
        Of<SortCall>("nothing", b => b.Run(new SortCall(b.In(3, 0), b.Out(3, 0), b.Out(DType.I64, 3, 0)))),
    ];

    private static CallCase Of<TCall>(string name, Action<CallBench> run)
        where TCall : struct, ICall => new(typeof(TCall), name, run);
}
