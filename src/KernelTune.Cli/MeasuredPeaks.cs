using System.Globalization;
using System.Text.Json.Nodes;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Cli;

/// <summary>What this machine was measured to do at most, on one thread and on all: the limits that every speed is a share of.</summary>
/// <param name="Threads">How many threads "all" are.</param>
/// <param name="Flops">Fused multiply-adds a second, each counted as two operations.</param>
/// <param name="Copy">Bytes copied a second, read and written both counted.</param>
/// <param name="Read">Bytes read a second.</param>
internal sealed record MeasuredPeaks(int Threads, (double One, double All) Flops, (double One, double All) Copy, (double One, double All) Read)
{
    public static MeasuredPeaks Measure(int threads, InstructionSet set)
    {
        using var pool = new WorkerPool(threads);
        return new MeasuredPeaks(threads,
            (MachinePeak.Flops(pool, 1, set), MachinePeak.Flops(pool, threads, set)),
            (MachinePeak.CopyBandwidth(pool, 1), MachinePeak.CopyBandwidth(pool, threads)),
            (MachinePeak.ReadBandwidth(pool, 1), MachinePeak.ReadBandwidth(pool, threads)));
    }

    /// <summary>The multiply-add peak of <paramref name="threads"/> threads alone: some ten milliseconds.</summary>
    public static double FlopsOf(int threads, InstructionSet set)
    {
        using var pool = new WorkerPool(threads);
        return MachinePeak.Flops(pool, threads, set, windows: 4);
    }

    public IEnumerable<(string Key, string Value)> Lines()
    {
        string Both((double One, double All) rate, string unit) =>
            string.Create(CultureInfo.InvariantCulture, $"{rate.One / 1e9:0.0} {unit} on one thread, {rate.All / 1e9:0.0} on {Threads}");
        yield return ("FMA peak", Both(Flops, "GFLOP/s"));
        yield return ("copy", Both(Copy, "GB/s"));
        yield return ("read", Both(Read, "GB/s"));
    }

    public JsonObject ToJson()
    {
        static JsonObject Of((double One, double All) rate) => new() { ["one_thread"] = rate.One, ["all_threads"] = rate.All };
        return new JsonObject { ["threads"] = Threads, ["flops_per_second"] = Of(Flops), ["copy_bytes_per_second"] = Of(Copy), ["read_bytes_per_second"] = Of(Read) };
    }
}
