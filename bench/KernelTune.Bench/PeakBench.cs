using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Bench;

/// <summary>The limits of this machine that every other figure is a share of.</summary>
internal static class PeakBench
{
    public static void Run(Report report)
    {
        using var pool = new WorkerPool(report.Threads);
        report.Line("| limit | 1 thread | all threads |");
        report.Line("|---|---|---|");
        foreach (var set in Enum.GetValues<InstructionSet>().Where(InstructionSets.IsSupported))
            report.Line($"| FMA {set}, GFLOP/s | {MachinePeak.Flops(pool, 1, set) / 1e9:F1} | {MachinePeak.Flops(pool, report.Threads, set) / 1e9:F1} |");
        report.Line($"| copy, GB/s | {MachinePeak.CopyBandwidth(pool, 1) / 1e9:F1} | {MachinePeak.CopyBandwidth(pool, report.Threads) / 1e9:F1} |");
        report.Line($"| read, GB/s | {MachinePeak.ReadBandwidth(pool, 1) / 1e9:F1} | {MachinePeak.ReadBandwidth(pool, report.Threads) / 1e9:F1} |");
    }
}
