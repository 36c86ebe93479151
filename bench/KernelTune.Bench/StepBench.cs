using System.Diagnostics;
using System.Globalization;
using KernelTune.Data;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;
using KernelTune.Models;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Bench;

/// <summary>
/// A whole training step at a model's shape with random weights and tokens, every position labelled, paired with a peer that serves the same step: one of ours, one of
/// the peer's, and so on. <c>step --model smollm2-135m --method lora --quantization nf4 --batch 4 --length 128 --peer "COMMAND"</c>; COMMAND is torch_step.py with <c>--serve</c>.
/// <c>--profile</c>: the time of each kind of call, with its share of the machine's limits.
/// </summary>
internal static class StepBench
{
    public static void Run(Report report, string[] args)
    {
        var options = new Options(args);
        string method = options.Word("--method", "lora"), model = options.Word("--model", "smollm2-135m"), storage = options.Word("--quantization", "");
        int batch = options.Number("--batch", 4), length = options.Number("--length", 128);
        var recipe = Workload.Lora() with
        {
            Method = method == "lora" ? MethodKind.Lora : MethodKind.Full,
            Quantization = storage == "" ? null : new QuantizationSettings(Enum.Parse<BaseStorageKind>(storage, ignoreCase: true)),
        };
        using var device = new CpuDevice(report.Threads);
        using var peakPool = new WorkerPool(report.Threads);
        using var ours = Workload.Model(recipe, Workload.Config(model), device);
        IBatch[] batches = [Workload.Tokens(batch, length, ((CausalLanguageModel)ours.Model).VocabularySize)];
        double flops = ours.Flops(batches);
        using var peer = options.Word("--peer", "") is { Length: > 0 } command ? new ServedStep(command) : null;
        var rates = Workload.Rates(ours);
        report.Line($"{model}, {method}{(storage == "" ? "" : $" over {storage}")}, batch {batch} × {length}, {report.Threads} threads, {ours.TrainableElements:N0} parameters trained");
        report.Line();
        if (options.Has("--profile"))
        {
            Profile(report, ours, batches, rates, device, peakPool, flops);
            return;
        }
        var (mine, theirs) = (new List<double>(), new List<double>());
        double fma = 0;
        for (int pair = -2; pair < report.Pairs; pair++)
        {
            var clock = Stopwatch.StartNew();
            ours.Step.Run(pair + 2, batches, rates);
            double ms = clock.Elapsed.TotalMilliseconds;
            double their = peer?.Step() ?? double.NaN;
            fma = Math.Max(fma, MachinePeak.Flops(peakPool, report.Threads, InstructionSets.Best, 2));
            if (pair < 0)
                continue;
            mine.Add(ms);
            theirs.Add(their);
        }
        var ratios = mine.Zip(theirs, (a, b) => a / b).ToList();
        report.Line($"| {report.Pairs} pairs | quartile 1 | median | quartile 3 |");
        report.Line("|---|---|---|---|");
        report.Line(Row("KernelTune, ms", mine, "F0"));
        if (peer is not null)
        {
            report.Line(Row("peer, ms", theirs, "F0"));
            report.Line(Row("KernelTune / peer", ratios, "F3"));
        }
        report.Line(Row("model FLOPs / measured FMA peak", [.. mine.Select(ms => flops / (ms / 1000) / fma)], "F3"));
        report.Line();
        report.Line($"FMA peak {fma / 1e9:F1} GFLOP/s on {report.Threads} threads; model FLOPs of a step {flops / 1e9:F1} G. Peak resident memory: KernelTune {ProcessMemory.PeakResident / 1048576.0:F0} MiB"
            + (peer is null ? "." : $", peer {peer.Quit()["peak_bytes"]!.GetValue<long>() / 1048576.0:F0} MiB."));
        report.Line();
        var peak = device.Ledger.AtPeak();
        report.Line($"Ledger at the peak: {string.Join(", ", Enumerable.Range(0, peak.Length).Where(i => peak[i] > 0).Select(i => $"{((Category)i).Label()} {peak[i] / 1048576.0:F1} MiB"))}.");
    }

    // Shares are of the larger of both limits: the time that the call's FLOPs would take at the FMA peak, or its bytes at copy bandwidth, over the time that it took.
    private static void Profile(Report report, TrainableModel ours, IBatch[] batches, double[] rates, CpuDevice device, WorkerPool pool, double modelFlops)
    {
        const int Steps = 5;
        for (int step = 0; step < 2; step++)
            ours.Step.Run(step, batches, rates);
        double fma = MachinePeak.Flops(pool, report.Threads, InstructionSets.Best), copy = MachinePeak.CopyBandwidth(pool, report.Threads);
        var profile = new CallProfile();
        device.CallObserver = profile;
        var clock = Stopwatch.StartNew();
        for (int step = 0; step < Steps; step++)
            ours.Step.Run(2 + step, batches, rates);
        double whole = clock.Elapsed.TotalSeconds;
        device.CallObserver = null;
        report.Line("| call | a step | ms a step | of the step | GFLOP/s | of the FMA peak | GB/s | of the nearer limit |");
        report.Line("|---|---|---|---|---|---|---|---|");
        foreach (var line in profile.Lines.Where(l => l.Seconds > whole / 1000))
        {
            double limit = Math.Max(line.Flops / fma, line.Bytes / copy);
            report.Line(string.Create(CultureInfo.InvariantCulture,
                $"| {line.Name} | {line.Count / Steps} | {1000 * line.Seconds / Steps:F1} | {line.Seconds / whole:P1} | {line.Flops / line.Seconds / 1e9:F1} | {line.Flops / line.Seconds / fma:F2} | {line.Bytes / line.Seconds / 1e9:F1} | {limit / line.Seconds:F2} |"));
        }
        double called = profile.Lines.Sum(l => l.Seconds);
        report.Line(string.Create(CultureInfo.InvariantCulture, $"| outside calls | | {1000 * (whole - called) / Steps:F1} | {(whole - called) / whole:P1} | | | | |"));
        report.Line();
        report.Line(string.Create(CultureInfo.InvariantCulture,
            $"{1000 * whole / Steps:F0} ms a step, {Steps} steps; FMA peak {fma / 1e9:F1} GFLOP/s, copy {copy / 1e9:F1} GB/s on {report.Threads} threads; model FLOPs {modelFlops / 1e9:F1} G: {modelFlops * Steps / whole / fma:F3} of the peak."));
    }

    private static string Row(string name, List<double> values, string format)
    {
        values = [.. values.Order()];
        string At(double share) => values[(int)Math.Round(share * (values.Count - 1))].ToString(format, CultureInfo.InvariantCulture);
        return $"| {name} | {At(0.25)} | {At(0.5)} | {At(0.75)} |";
    }
}
