using System.Text;
using System.Text.Json;
using KernelTune.Checkpoints;

namespace KernelTune.Training.Runs;

/// <summary>metrics.jsonl: one line a step and one an evaluation, flushed as they are written. A resume cuts it back to its checkpoint's step.</summary>
public sealed class MetricsFile : IDisposable
{
    public const string Name = "metrics.jsonl";

    private readonly FileStream stream;

    private MetricsFile(FileStream stream) => this.stream = stream;

    /// <summary>A new file.</summary>
    public static MetricsFile Create(string path) => new(new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read));

    /// <summary>
    /// Keeps the lines of steps up to <paramref name="step"/> and of evaluations up to <paramref name="evaluatedStep"/>: what comes after them will be written again. A torn last line
    /// goes too.
    /// </summary>
    public static MetricsFile CutBack(string path, int step, int evaluatedStep, ISaveProbe? probe = null)
    {
        var kept = new StringBuilder();
        if (File.Exists(path))
        {
            foreach (string line in File.ReadLines(path))
            {
                MetricLine? metric;
                try
                {
                    metric = JsonSerializer.Deserialize(line, LineJson.Default.MetricLine);
                }
                catch (JsonException)
                {
                    break;
                }
                if (metric is null || metric.Step > step || metric.TestLoss is not null || (metric.EvalLoss is not null && metric.Step > evaluatedStep))
                    break;
                kept.Append(line).Append('\n');
            }
        }
        AtomicFile.Write(path, Encoding.UTF8.GetBytes(kept.ToString()), probe);
        return new MetricsFile(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read));
    }

    public void Add(MetricLine line)
    {
        stream.Write(JsonSerializer.SerializeToUtf8Bytes(line, LineJson.Default.MetricLine));
        stream.WriteByte((byte)'\n');
        stream.Flush();
    }

    /// <summary>Makes the lines durable: a checkpoint does not outlive them.</summary>
    public void Persist() => stream.Flush(flushToDisk: true);

    public void Dispose() => stream.Dispose();
}
