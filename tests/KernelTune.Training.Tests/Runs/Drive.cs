using System.Text.Json.Nodes;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Cpu;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Training.Tests.Runs;

/// <summary>Runs recipes and compares what they left behind.</summary>
internal static class Drive
{
    /// <summary>Trains to the end, or until <paramref name="stopAt"/> steps have been seen.</summary>
    public static (RunResult Result, List<RunEvent> Events) Train(Recipe recipe, Device device, bool resume = false, int? stopAt = null, ISaveProbe? probe = null)
    {
        using var stop = new CancellationTokenSource();
        var events = new Listener(e =>
        {
            if (e is StepEvent step && step.Step == stopAt)
                stop.Cancel();
        });
        using var run = TrainingRun.Open(new RunRequest(recipe, resume), device, events, probe);
        run.Start();
        return (TrainingLoop.Run(run, stop.Token), events.Heard);
    }

    /// <summary><see cref="Train"/> on one thread of the CPU.</summary>
    public static (RunResult Result, List<RunEvent> Events) OnCpu(Recipe recipe, bool resume = false, int? stopAt = null, ISaveProbe? probe = null)
    {
        using var device = new CpuDevice(1);
        return Train(recipe, device, resume, stopAt, probe);
    }

    public static double[] Losses(List<RunEvent> events) => [.. events.OfType<StepEvent>().Select(e => e.Loss)];

    /// <summary>Asserts that two runs ended in the same bits: models, moments, and metrics but for seconds.</summary>
    public static void AssertSame(string expected, string actual, string why, bool alsoMetrics = true)
    {
        foreach (string folder in new[] { "final", "best", CheckpointFolders.LastComplete(expected) is { Path: { } last } ? Path.GetFileName(last) : "final" })
        {
            string from = Path.Combine(expected, folder);
            if (!Directory.Exists(from))
                continue;
            foreach (string file in Directory.GetFiles(from, "*.safetensors", SearchOption.AllDirectories))
            {
                string name = Path.GetRelativePath(expected, file);
                Assert.That(File.ReadAllBytes(Path.Combine(actual, name)), Is.EqualTo(File.ReadAllBytes(file)), $"{why}: {name}");
            }
        }
        if (alsoMetrics)
            Assert.That(Metrics(actual), Is.EqualTo(Metrics(expected)), $"{why}: metrics.jsonl");
    }

    /// <summary>The lines of metrics.jsonl without their seconds.</summary>
    public static string[] Metrics(string output) => [.. File.ReadLines(Path.Combine(output, "metrics.jsonl")).Select(line =>
    {
        var json = JsonNode.Parse(line)!.AsObject();
        json.Remove("seconds");
        return json.ToJsonString();
    })];

    private sealed class Listener(Action<RunEvent> hear) : IProgress<RunEvent>
    {
        public List<RunEvent> Heard { get; } = [];

        public void Report(RunEvent value)
        {
            Heard.Add(value);
            hear(value);
        }
    }
}
