using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using KernelTune.Checkpoints;
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
/// Every method at a model's shape, each in a process of its own: what trains, the peak that was foreseen and the one that was measured, by category, and the time of a step. Weights and tokens are random, every position
/// is labelled. <c>compare [--model smollm2-135m] [--batch 4] [--length 128] [--steps 5] [--filter WORD]</c>.
/// </summary>
internal static class CompareBench
{
    private static readonly (string Name, Func<Recipe, Recipe> Of)[] Rows =
    [
        ("full", r => r with { Method = MethodKind.Full }),
        ("full, checkpointing", r => Checkpointed(r with { Method = MethodKind.Full })),
        ("LoRA r 8", r => r),
        ("LoRA r 8, checkpointing", Checkpointed),
        ("LoRA r 8 over bf16", r => r with { Quantization = new QuantizationSettings(BaseStorageKind.BFloat16) }),
        ("QLoRA r 8, NF4", r => r with { Quantization = new QuantizationSettings(BaseStorageKind.Nf4) }),
        ("QLoRA r 8, NF4, checkpointing", r => Checkpointed(r with { Quantization = new QuantizationSettings(BaseStorageKind.Nf4) })),
        ("prompt, 20 tokens", r => r with { Method = MethodKind.Prompt, Prompt = new PromptTuningConfig { NumVirtualTokens = 20 } }),
        ("prompt, 20 tokens, checkpointing", r => Checkpointed(r with { Method = MethodKind.Prompt, Prompt = new PromptTuningConfig { NumVirtualTokens = 20 } })),
        ("prefix, 20 tokens", r => r with { Method = MethodKind.Prefix, Prefix = new PrefixTuningConfig { NumVirtualTokens = 20 } }),
        ("prefix, 20 tokens, checkpointing", r => Checkpointed(r with { Method = MethodKind.Prefix, Prefix = new PrefixTuningConfig { NumVirtualTokens = 20 } })),
        ("IA3", r => r with { Method = MethodKind.Ia3 }),
        ("IA3, checkpointing", r => Checkpointed(r with { Method = MethodKind.Ia3 })),
        ("Pfeiffer bottleneck", r => r with { Method = MethodKind.Adapter, Bottleneck = BottleneckConfig.Named("pfeiffer") }),
        ("BitFit with added biases", r => r with { Method = MethodKind.BitFit, BitFit = new BitFitConfig { AddBiases = true } }),
    ];

    private static readonly Category[] Shown =
        [Category.Weights, Category.QuantizedWeights, Category.Adapters, Category.Gradients, Category.OptimizerState, Category.Activations, Category.Workspace];

    public static void Run(Report report, string[] args)
    {
        report.Line("One process a row. MiB; process: resident before the model + pool as foreseen, and the peak as Linux counted it.");
        report.Line();
        report.Line("| method | trained | ms a step | foreseen process | measured process | measured / foreseen | " + string.Join(" | ", Shown.Select(c => c.Label())) + " |");
        report.Line("|---|---|---|---|---|---|" + string.Concat(Shown.Select(_ => "---|")));
        foreach (var (name, _) in Rows)
        {
            if (!name.Contains(report.Filter, StringComparison.OrdinalIgnoreCase))
                continue;
            JsonNode row = Measured(name, args);
            string Number(string key, string format) => row[key]!.GetValue<double>().ToString(format, CultureInfo.InvariantCulture);
            report.Line($"| {name} | {Number("trained", "N0")} | {Number("ms", "F0")} | {Number("foreseen", "F0")} | {Number("measured", "F0")} | {Number("ratio", "F3")} | "
                + string.Join(" | ", Shown.Select(c => Number(c.Label(), "F1"))) + " |");
        }
    }

    /// <summary>One row, in this process: a line of JSON.</summary>
    public static void Row(string[] args)
    {
        string Option(string option, string absent) => Array.IndexOf(args, option) is var i and >= 0 && i + 1 < args.Length ? args[i + 1] : absent;
        int Number(string option, int absent) => int.Parse(Option(option, absent.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);
        string name = Option("--row", ""), model = Option("--model", "smollm2-135m");
        var recipe = Rows.First(r => r.Name == name).Of(new Recipe
        {
            Method = MethodKind.Lora,
            Lora = new LoraSettings { Config = new LoraConfig { R = 8, LoraAlpha = 16, TargetModules = ModuleSelection.Matching(ModuleSelection.AllLinear) } },
            Training = new TrainingSettings { MaxGradNorm = 1 },
        });
        var config = JsonSettings.Parse("config.json", Encoding.UTF8.GetBytes(StepBench.Config(model)));
        using var device = new CpuDevice(Number("--threads", 2));
        IBatch[] batches = [StepBench.Tokens(Number("--batch", 4), Number("--length", 128), ModelRegistry.CausalLanguageModel(config).VocabularySize)];
        MemoryPlan plan;
        using (var shapes = new ShapesDevice(device))
            plan = MemoryPlan.Of(recipe, config, shapes, batches, []);
        long before = ProcessMemory.Resident;
        using var ours = new TrainableModel(recipe, config, device);
        ModelWeights.Initialize(ours.Model, device, 1);
        ours.Method.Initialize(device, 1);
        ProcessMemory.ReturnGarbage();
        var rates = Enumerable.Repeat(1e-4, ours.Optimizer.Groups.Count).ToArray();
        var times = new List<double>();
        for (int step = 0; step < 2 + Number("--steps", 5); step++)
        {
            var clock = Stopwatch.StartNew();
            ours.Step.Run(step, batches, rates);
            if (step > 1)
                times.Add(clock.Elapsed.TotalMilliseconds);
        }
        times.Sort();
        const double MiB = 1 << 20;
        var row = new JsonObject
        {
            ["trained"] = (double)ours.TrainableElements,
            ["ms"] = times[times.Count / 2],
            ["foreseen"] = (before + plan.Touched) / MiB,
            ["measured"] = ProcessMemory.PeakResident / MiB,
            ["ratio"] = ProcessMemory.PeakResident / (double)(before + plan.Touched),
        };
        long[] peak = device.Ledger.AtPeak();
        foreach (Category category in Shown)
            row[category.Label()] = peak[(int)category] / MiB;
        Console.WriteLine(row.ToJsonString());
    }

    private static Recipe Checkpointed(Recipe recipe) => recipe with { Training = recipe.Training with { ActivationCheckpointing = new ActivationCheckpointing(true) } };

    private static JsonNode Measured(string name, string[] args)
    {
        // The process is dotnet, which wants the assembly's path first, or the program's own file.
        string program = Environment.ProcessPath!;
        string[] assembly = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [typeof(CompareBench).Assembly.Location] : [];
        using var process = Process.Start(new ProcessStartInfo(program, [.. assembly, "compare-row", "--row", name, .. args.Skip(1)]) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? JsonNode.Parse(output)! : throw new InvalidOperationException($"{name} ended with exit code {process.ExitCode}");
    }
}
