using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using KernelTune.Data;
using KernelTune.Devices.Cpu;
using KernelTune.Devices.Memory;
using KernelTune.Devices.Shapes;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Bench;

/// <summary>
/// Every method at a model's shape, each in a process of its own: what trains, the peak that was foreseen and the one that was measured, by category, and the time of a step, beside opponents that run the same step
/// in turn. Weights and tokens are random, every position is labelled.
/// <c>compare [--model smollm2-135m] [--batch 4] [--length 128] [--pairs 5] [--filter WORD] [--torch "COMMAND"] [--torchsharp "COMMAND"]</c>: the commands start torch_step.py and bench/Peers, whose arguments are added.
/// </summary>
internal static class CompareBench
{
    // The method of torch_step.py and that of bench/Peers; null: the opponent has none. A base in fewer bits stands beside their fp32 LoRA: bitsandbytes is neither's.
    private static readonly (string Name, Func<Recipe, Recipe> Of, string? Torch, string? TorchSharp)[] Rows =
    [
        ("full", r => r with { Method = MethodKind.Full }, "full", "full"),
        ("full, gradients released", r => Released(r with { Method = MethodKind.Full }), "full", "full"),
        ("full, adamw8bit, gradients released", r => Released(r with { Method = MethodKind.Full, Optimizer = new OptimizerSettings { Type = OptimizerKind.AdamW8Bit } }), "full", "full"),
        ("full, adamw8bit, gradients released, checkpointing", r => Released(Checkpointed(r with { Method = MethodKind.Full, Optimizer = new OptimizerSettings { Type = OptimizerKind.AdamW8Bit } })), "full --checkpointing", null),
        ("full, adamw8bit", r => r with { Method = MethodKind.Full, Optimizer = new OptimizerSettings { Type = OptimizerKind.AdamW8Bit } }, "full", "full"),
        ("full, checkpointing", r => Checkpointed(r with { Method = MethodKind.Full }), "full --checkpointing", null),
        ("LoRA r 8", r => r, "lora", "lora"),
        ("LoRA r 8, checkpointing", Checkpointed, "lora --checkpointing", null),
        ("LoRA r 8 over bf16", r => r with { Quantization = new QuantizationSettings(BaseStorageKind.BFloat16) }, "lora", "lora"),
        ("QLoRA r 8, NF4", r => r with { Quantization = new QuantizationSettings(BaseStorageKind.Nf4) }, "lora", "lora"),
        ("QLoRA r 8, NF4, checkpointing", r => Checkpointed(r with { Quantization = new QuantizationSettings(BaseStorageKind.Nf4) }), "lora --checkpointing", null),
        ("prompt, 20 tokens", r => r with { Method = MethodKind.Prompt, Prompt = new PromptTuningConfig { NumVirtualTokens = 20 } }, null, "prompt"),
        ("prompt, 20 tokens, checkpointing", r => Checkpointed(r with { Method = MethodKind.Prompt, Prompt = new PromptTuningConfig { NumVirtualTokens = 20 } }), null, null),
        ("prefix, 20 tokens", r => r with { Method = MethodKind.Prefix, Prefix = new PrefixTuningConfig { NumVirtualTokens = 20 } }, null, "prefix"),
        ("prefix, 20 tokens, checkpointing", r => Checkpointed(r with { Method = MethodKind.Prefix, Prefix = new PrefixTuningConfig { NumVirtualTokens = 20 } }), null, null),
        ("IA3", r => r with { Method = MethodKind.Ia3 }, null, "ia3"),
        ("IA3, checkpointing", r => Checkpointed(r with { Method = MethodKind.Ia3 }), null, null),
        ("Pfeiffer bottleneck", r => r with { Method = MethodKind.Adapter, Bottleneck = BottleneckConfig.Named("pfeiffer") }, null, null),
        ("BitFit with added biases", r => r with { Method = MethodKind.BitFit, BitFit = new BitFitConfig { AddBiases = true } }, null, null),
    ];

    private static readonly Category[] Shown =
        [Category.Weights, Category.QuantizedWeights, Category.Adapters, Category.Gradients, Category.OptimizerState, Category.Activations, Category.Workspace];

    public static void Run(Report report, string[] args)
    {
        var options = new Options(args);
        report.Line("One process a row, its steps in turn with the opponents'. MiB; process: resident before the model + pool as foreseen, and the peak as Linux counted it; opponent: the faster's time, the smaller's peak.");
        report.Line();
        report.Line("| method | trained | ms a step | opponent | time / opponent | foreseen process | measured process | measured / foreseen | opponent | memory / opponent | " + string.Join(" | ", Shown.Select(c => c.Label())) + " |");
        report.Line("|---|---|---|---|---|---|---|---|---|---|" + string.Concat(Shown.Select(_ => "---|")));
        foreach (var (name, _, torch, sharp) in Rows.Where(r => r.Name.Contains(report.Filter, StringComparison.OrdinalIgnoreCase)))
        {
            string?[] commands = [Command("--torch", torch, " --serve"), Command("--torchsharp", sharp, "")];
            var (row, ours, theirs, peak) = Measured(name, args, [.. commands.OfType<string>()], Math.Min(report.Pairs, 12));
            string Number(string key, string format) => row[key]!.GetValue<double>().ToString(format, CultureInfo.InvariantCulture);
            double measured = row["measured"]!.GetValue<double>();
            string Beside(double value, string format) => double.IsNaN(value) ? "" : value.ToString(format, CultureInfo.InvariantCulture);
            report.Line($"| {name} | {Number("trained", "N0")} | {Beside(ours, "F0")} | {Beside(theirs, "F0")} | {Beside(ours / theirs, "F2")} | {Number("foreseen", "F0")} | {Number("measured", "F0")} | {Number("ratio", "F3")} | "
                + $"{Beside(peak, "F0")} | {Beside(measured / peak, "F2")} | " + string.Join(" | ", Shown.Select(c => Number(c.Label(), "F1"))) + " |");
        }

        string? Command(string option, string? method, string end) => method is not null && options.Word(option, "") is { Length: > 0 } command
            ? $"{command} --model {options.Word("--model", "smollm2-135m")} --method {method} --batch {options.Number("--batch", 4)} --length {options.Number("--length", 128)} --threads {report.Threads}{end}"
            : null;
    }

    /// <summary>One row, in this process, step by step as it is asked: see <see cref="ServedStep"/>.</summary>
    public static void Row(string[] args)
    {
        var options = new Options(args);
        string name = options.Word("--row", "");
        var recipe = Rows.First(r => r.Name == name).Of(Workload.Lora());
        var config = Workload.Config(options.Word("--model", "smollm2-135m"));
        using var device = new CpuDevice(options.Number("--threads", 2));
        IBatch[] batches = [Workload.Tokens(options.Number("--batch", 4), options.Number("--length", 128), ModelRegistry.CausalLanguageModel(config).VocabularySize)];
        MemoryPlan plan;
        using (var shapes = new ShapesDevice(device))
            plan = MemoryPlan.Of(recipe, config, shapes, batches, []);
        long before = ProcessMemory.Resident;
        using var ours = Workload.Model(recipe, config, device);
        ProcessMemory.ReturnGarbage();
        var rates = Workload.Rates(ours);
        int step = 0;
        for (; step < 2; step++)
            ours.Step.Run(step, batches, rates);
        Console.WriteLine("ready");
        while (Console.ReadLine() == "step")
        {
            var clock = Stopwatch.StartNew();
            ours.Step.Run(step++, batches, rates);
            Console.WriteLine(clock.Elapsed.TotalMilliseconds.ToString("F3", CultureInfo.InvariantCulture));
        }
        const double MiB = 1 << 20;
        var row = new JsonObject
        {
            ["trained"] = (double)ours.TrainableElements,
            ["foreseen"] = (before + plan.Touched) / MiB,
            ["measured"] = ProcessMemory.PeakResident / MiB,
            ["ratio"] = ProcessMemory.PeakResident / (double)(before + plan.Touched),
        };
        long[] peak = device.Ledger.AtPeak();
        foreach (Category category in Shown)
            row[category.Label()] = peak[(int)category] / MiB;
        Console.WriteLine(row.ToJsonString());
    }

    private static Recipe Released(Recipe recipe) => recipe with { Training = recipe.Training with { MaxGradNorm = null, GradientAccumulationSteps = 1 } };

    private static Recipe Checkpointed(Recipe recipe) => recipe with { Training = recipe.Training with { ActivationCheckpointing = new ActivationCheckpointing(true) } };

    // Medians of the milliseconds; the opponents' least peak in MiB. NaN: there is no opponent.
    private static (JsonNode Row, double Ours, double Theirs, double Peak) Measured(string name, string[] args, string[] opponents, int pairs)
    {
        // The process is dotnet, which wants the assembly's path first, or the program's own file.
        string program = Environment.ProcessPath!;
        string[] assembly = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [typeof(CompareBench).Assembly.Location] : [];
        using var own = new ServedStep(new ProcessStartInfo(program, [.. assembly, "compare-row", "--row", name, .. args.Skip(1)]));
        var peers = opponents.Select(c => new ServedStep(c)).ToList();
        var ours = new List<double>();
        var theirs = peers.Select(_ => new List<double>()).ToList();
        for (int pair = 0; pair < pairs; pair++)
        {
            ours.Add(own.Step());
            for (int i = 0; i < peers.Count; i++)
                theirs[i].Add(peers[i].Step());
        }
        double peak = double.NaN;
        foreach (var peer in peers)
        {
            peak = double.MinNumber(peak, peer.Quit()["peak_bytes"]!.GetValue<double>() / (1 << 20));
            peer.Dispose();
        }
        static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
        return (own.Quit(), Median(ours), theirs.Count == 0 ? double.NaN : theirs.Min(Median), peak);
    }
}
