using System.Diagnostics;
using System.Globalization;
using KernelTune.Devices.Cpu;
using KernelTune.Evaluation.Generation;
using KernelTune.Kernels.Cpu;
using KernelTune.Models;
using KernelTune.Training.Generation;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Bench;

/// <summary>
/// Tokens a second of one sequence, against what reading every weight once a token would allow: bytes of the weights over the read bandwidth that was measured beside it.
/// <c>decode [--model smollm2-135m] [--quantization nf4|bf16] [--prompt 32] [--tokens 64]</c>.
/// </summary>
internal static class DecodeBench
{
    public static void Run(Report report, string[] args)
    {
        var options = new Options(args);
        string name = options.Word("--model", "smollm2-135m");
        int prompt = options.Number("--prompt", 32), tokens = options.Number("--tokens", 64), rounds = Math.Min(report.Pairs, 7);
        report.Line($"{name}, one sequence, {tokens} tokens behind {prompt}, {report.Threads} threads, medians of {rounds} rounds, each behind a measurement of the bandwidth. Bytes: every matrix and the head, as they are kept, and the cache.");
        report.Line();
        report.Line("| base | ms a token | tokens/s | MB read a token | GB/s | read GB/s measured | share |");
        report.Line("|---|---|---|---|---|---|---|");
        foreach (string storage in options.Word("--quantization", "f32,bf16,nf4").Split(','))
        {
            using var device = new CpuDevice(report.Threads);
            using var pool = new WorkerPool(report.Threads);
            var kind = storage switch { "f32" => (BaseStorageKind?)null, "bf16" => BaseStorageKind.BFloat16, "nf4" => BaseStorageKind.Nf4, _ => throw new ArgumentException($"--quantization {storage}: f32, bf16, nf4") };
            var model = ModelRegistry.CausalLanguageModel(Workload.Config(name));
            BaseStorage.Mark(model, kind is { } k ? new QuantizationSettings(k) : null, null);
            ModelWeights.Initialize(model, device, 1);
            // A tied table is read whole by the head; a look-up reads a row.
            double bytes = model.BaseParameters().Sum(p => (double)p.StoredBytes);
            using var decoder = new CachedDecoder(model, device, tokens + 1);
            var batch = new TokenBatch([[.. Enumerable.Range(0, prompt).Select(i => 97 * i % model.VocabularySize)]], 0);
            var (times, rates) = (new List<double>(), new List<double>());
            for (int round = -1; round < rounds; round++)
            {
                decoder.Prefill(batch);
                double rate = MachinePeak.ReadBandwidth(pool, report.Threads, 512L << 20, 3);
                var clock = Stopwatch.StartNew();
                for (int t = 0; t < tokens; t++)
                    decoder.Step([17 * t % model.VocabularySize]);
                if (round < 0)
                    continue;
                times.Add(clock.Elapsed.TotalSeconds / tokens);
                rates.Add(rate);
            }
            static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);
            double seconds = Median(times);
            double cache = device.Ledger.CurrentOf(Devices.Memory.Category.KvCache) * (prompt + (tokens / 2.0)) / (prompt + tokens + 1);
            report.Line(string.Create(CultureInfo.InvariantCulture,
                $"| {storage} | {1000 * seconds:F2} | {1 / seconds:F1} | {(bytes + cache) / 1e6:F1} | {(bytes + cache) / seconds / 1e9:F1} | {Median(rates) / 1e9:F1} | {Median(times.Zip(rates, (t, r) => (bytes + cache) / t / r)):F3} |"));
            foreach (var parameter in model.AllParameters())
                parameter.Dispose();
        }
    }
}
