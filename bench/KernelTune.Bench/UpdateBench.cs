using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Bench;

/// <summary>Optimizers' updates of one large parameter on the CPU, by the bytes that must move, beside the machine's copy bandwidth measured in turn with them. <c>update [--threads N] [--filter WORD]</c>.</summary>
internal static class UpdateBench
{
    private const int Count = 32 << 20;

    public static void Run(Report report)
    {
        using var device = new CpuDevice(report.Threads);
        using var pool = new WorkerPool(report.Threads);
        View Real(double value)
        {
            var view = device.Allocate(new Shape(Count), DType.F32, Category.OptimizerState);
            device.Run(new FillCall(view, value));
            return view;
        }

        View p = Real(0.5), g = Real(0), m = Real(0), v = Real(0), codesM = device.Allocate(new Shape(Count), DType.U8, Category.OptimizerState), codesV = device.Allocate(new Shape(Count), DType.U8, Category.OptimizerState);
        View mostM = device.Allocate(new Shape(Count / 256), DType.F32, Category.OptimizerState), mostV = device.Allocate(new Shape(Count / 256), DType.F32, Category.OptimizerState);
        View levels = device.Allocate(new Shape(2, 256), DType.F32, Category.OptimizerState), scalars = device.Allocate(new Shape(4), DType.F32, Category.OptimizerState);
        device.Run(new RandomCall(g, default));
        device.Run(MapCall.Unary<AffineOf, AffineParams>(g, g, new AffineParams(2, -1)));
        foreach (View zero in (View[])[codesM, codesV, mostM, mostV])
            device.Run(new FillCall(zero, 0));
        device.Write<float>(levels, [.. DynamicCodes.Signed.Levels, .. DynamicCodes.Unsigned.Levels]);
        device.Write<float>(scalars, [1e-5f, 1, 1, 1]);
        var settings = new UpdateSettings(0.9, 0.999, 1e-8, 0.01);
        report.Line($"{Count:N0} parameters, {report.Threads} threads; median (quartiles) of {report.Pairs} runs.");
        report.Line();
        report.Line("| update | ns a parameter | GB/s | of copy bandwidth |");
        report.Line("|---|---|---|---|");
        Row("adamw", new UpdateCall<AdamW>(p, g, m, v, scalars, settings));
        Row("adamw8bit", new BlockwiseUpdateCall<AdamW>(p, g, codesM, codesV, mostM, mostV, levels, scalars, settings));
        Row("lion", new UpdateCall<Lion>(p, g, m, default, scalars, settings));
        Row("lion8bit", new BlockwiseUpdateCall<Lion>(p, g, codesM, default, mostM, default, levels, scalars, settings));
        Row("sgd, momentum", new UpdateCall<SgdMomentum>(p, g, m, default, scalars, settings));
        Row("sgd8bit", new BlockwiseUpdateCall<SgdMomentum>(p, g, codesM, default, mostM, default, levels, scalars, settings));
        foreach (View view in (View[])[p, g, m, v, codesM, codesV, mostM, mostV, levels, scalars])
            view.Block.Release();

        void Row<TCall>(string name, TCall call)
            where TCall : struct, ICall
        {
            if (!name.Contains(report.Filter, StringComparison.Ordinal))
                return;
            Samples ns = new(), rate = new(), share = new();
            for (int run = -3; run < report.Pairs; run++)
            {
                double copy = MachinePeak.CopyBandwidth(pool, report.Threads, windows: 2), before = Clock.Seconds(report.Threads);
                device.Run(call);
                double seconds = Clock.Seconds(report.Threads) - before;
                if (run < 0)
                    continue;
                ns.Add(seconds / Count * 1e9);
                rate.Add(call.Bytes / seconds / 1e9);
                share.Add(call.Bytes / seconds / copy);
            }
            report.Line($"| {name} | {ns} | {rate} | {share.Percent} |");
        }
    }
}
