using System.Diagnostics;
using System.Globalization;
using System.Text;
using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Bench;

/// <summary>
/// A whole training step at a model's shape with random weights and tokens, every position labelled, paired with a peer that serves the same step: one of ours, one of
/// the peer's, and so on. <c>step --model smollm2-135m --method lora --batch 4 --length 128 --peer "COMMAND"</c>; COMMAND is torch_step.py with <c>--serve</c>.
/// </summary>
internal static class StepBench
{
    public static void Run(Report report, string[] args)
    {
        string Option(string name, string absent) => Array.IndexOf(args, name) is var i and >= 0 && i + 1 < args.Length ? args[i + 1] : absent;
        string method = Option("--method", "lora"), model = Option("--model", "smollm2-135m");
        int batch = int.Parse(Option("--batch", "4"), CultureInfo.InvariantCulture), length = int.Parse(Option("--length", "128"), CultureInfo.InvariantCulture);
        var recipe = new Recipe
        {
            Init = Initialization.Random,
            Method = method == "lora" ? MethodKind.Lora : MethodKind.Full,
            Lora = new LoraSettings { Config = new LoraConfig { R = 8, LoraAlpha = 16, TargetModules = ModuleSelection.Matching(ModuleSelection.AllLinear) } },
            Training = new TrainingSettings { MaxGradNorm = 1 },
        };
        using var device = new CpuDevice(report.Threads);
        using var peakPool = new WorkerPool(report.Threads);
        using var ours = new TrainableModel(recipe, JsonSettings.Parse("config.json", Encoding.UTF8.GetBytes(Config(model))), device);
        ModelWeights.Initialize(ours.Model, device, 1);
        ours.Method.Initialize(device, 1);
        Batch[] batches = [Tokens(batch, length, ((CausalLanguageModel)ours.Model).VocabularySize)];
        double flops = ours.Flops(batches);
        using var peer = Option("--peer", "") is { Length: > 0 } command ? new Peer(command) : null;
        var rates = Enumerable.Repeat(1e-4, ours.Optimizer.Groups.Count).ToArray();
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
        report.Line($"{model}, {method}, batch {batch} × {length}, {report.Threads} threads, {report.Pairs} pairs, {ours.TrainableElements:N0} parameters trained");
        report.Line();
        report.Line("| | quartile 1 | median | quartile 3 |");
        report.Line("|---|---|---|---|");
        report.Line(Row("KernelTune, ms", mine, "F0"));
        if (peer is not null)
        {
            report.Line(Row("peer, ms", theirs, "F0"));
            report.Line(Row("KernelTune / peer", ratios, "F3"));
        }
        report.Line(Row("model FLOPs / measured FMA peak", [.. mine.Select(ms => flops / (ms / 1000) / fma)], "F3"));
        report.Line();
        report.Line($"FMA peak {fma / 1e9:F1} GFLOP/s on {report.Threads} threads; model FLOPs of a step {flops / 1e9:F1} G. Peak resident memory: KernelTune {ResidentPeak() / 1048576.0:F0} MiB"
            + (peer is null ? "." : $", peer {peer.PeakBytes() / 1048576.0:F0} MiB."));
        report.Line();
        var peak = device.Ledger.AtPeak();
        report.Line($"Ledger at the peak: {string.Join(", ", Enumerable.Range(0, peak.Length).Where(i => peak[i] > 0).Select(i => $"{((Category)i).Label()} {peak[i] / 1048576.0:F1} MiB"))}.");
    }

    private static string Row(string name, List<double> values, string format)
    {
        values = [.. values.Order()];
        string At(double share) => values[(int)Math.Round(share * (values.Count - 1))].ToString(format, CultureInfo.InvariantCulture);
        return $"| {name} | {At(0.25)} | {At(0.5)} | {At(0.75)} |";
    }

    internal static Batch Tokens(int rows, int columns, int vocabulary)
    {
        var random = new Random(7);
        var ids = new int[rows * columns];
        for (int i = 0; i < ids.Length; i++)
            ids[i] = random.Next(vocabulary);
        return new Batch { Rows = rows, Columns = columns, InputIds = ids, Labels = (int[])ids.Clone(), Tokens = ids.Length };
    }

    internal static string Config(string model) => model switch
    {
        "smollm2-135m" => """{"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":576,"num_hidden_layers":30,"num_attention_heads":9,"num_key_value_heads":3,"intermediate_size":1536,"vocab_size":49152,"max_position_embeddings":8192,"tie_word_embeddings":true,"rms_norm_eps":1e-5}""",
        "gpt2" => """{"architectures":["GPT2LMHeadModel"],"model_type":"gpt2","n_embd":768,"n_layer":12,"n_head":12,"vocab_size":50257,"n_positions":1024,"resid_pdrop":0.0,"embd_pdrop":0.0,"attn_pdrop":0.0}""",
        _ => throw new ArgumentException($"model {model}: smollm2-135m or gpt2"),
    };

    private static long ResidentPeak() => 1024 * long.Parse(File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);

    /// <summary>A process that answers each line "step" with the milliseconds of one step.</summary>
    private sealed class Peer : IDisposable
    {
        private readonly Process process;

        public Peer(string command)
        {
            process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
            if (process.StandardOutput.ReadLine() != "ready")
                throw new InvalidOperationException($"the peer did not start: {command}");
        }

        public double Step()
        {
            process.StandardInput.WriteLine("step");
            return double.Parse(process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the peer ended"), CultureInfo.InvariantCulture);
        }

        public long PeakBytes()
        {
            process.StandardInput.WriteLine("quit");
            string line = process.StandardOutput.ReadLine() ?? "";
            int at = line.IndexOf(':', StringComparison.Ordinal);
            return at < 0 ? 0 : long.Parse(line[(at + 1)..].Trim(' ', '}'), CultureInfo.InvariantCulture);
        }

        public void Dispose()
        {
            process.StandardInput.Close();
            process.WaitForExit(10_000);
            process.Dispose();
        }
    }
}
