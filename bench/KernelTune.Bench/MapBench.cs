using System.Runtime.Intrinsics.X86;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Bench;

/// <summary>The map kernel on one thread over every lane of this machine: data in the first cache, so that the formula is measured and not the memory.</summary>
internal static unsafe class MapBench
{
    private const int Count = 2048;

    public static void Run(Report report)
    {
        report.Line($"One thread, {Count} elements, which stay in the first cache; median (quartiles) of {report.Pairs} runs, by the thread's processor time.");
        report.Line();
        report.Line("| formula | F32x4, ns an element | F32x8 | F32x16 |");
        report.Line("|---|---|---|---|");
        Row<Unary<Silu, None>>(report, "silu");
        Row<UnaryGrad<Silu, None>>(report, "silu, gradient");
        Row<Unary<Gelu, None>>(report, "gelu (erf)");
        Row<Unary<GeluTanh, None>>(report, "gelu (tanh)");
        Row<Unary<Log, None>>(report, "log");
        Row<Binary<SwiGlu, None>>(report, "swiglu");
        Row<Binary<Add, None>>(report, "add");
    }

    private static void Row<TOp>(Report report, string name)
        where TOp : struct, IElementwise<None>
    {
        if (!name.Contains(report.Filter, StringComparison.Ordinal))
            return;
        string x8 = Avx2.IsSupported && Fma.IsSupported ? Time<F32x8, TOp>(report).ToString() : "";
        string x16 = Avx512F.IsSupported ? Time<F32x16, TOp>(report).ToString() : "";
        report.Line($"| {name} | {Time<F32x4, TOp>(report)} | {x8} | {x16} |");
    }

    private static Samples Time<V, TOp>(Report report)
        where V : struct, IVectorLane<V>
        where TOp : struct, IElementwise<None>
    {
        const int Repeats = 200;
        using var memory = new Buffer(7 * Count);
        float* p = memory.Data;
        var row = new MapRow
        {
            A = new(p, 1), B = new(p + Count, 1), C = new(p + (2 * Count), 1), D = new(p + (3 * Count), 1),
            X = new(p + (4 * Count), 1), Y = new(p + (5 * Count), 1), Z = new(p + (6 * Count), 1),
        };
        var samples = new Samples();
        for (int run = -3; run < report.Pairs; run++)
        {
            double before = Clock.Seconds(1);
            for (int i = 0; i < Repeats; i++)
                MapKernel.Run<V, F32, TOp, None>(row, Count, default);
            double seconds = Clock.Seconds(1) - before;
            if (run >= 0)
                samples.Add(seconds / Repeats / Count * 1e9);
        }
        return samples;
    }
}
