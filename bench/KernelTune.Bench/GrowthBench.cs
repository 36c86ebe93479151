using System.Diagnostics;
using System.Globalization;
using KernelTune.Data;
using KernelTune.Devices.Cpu;
using KernelTune.Training.Runs;

namespace KernelTune.Bench;

/// <summary>
/// Whether the time of a LoRA step grows as it should: it is affine in the batch (1 to 8), the layers (8 to 32) and the rank (4 to 64) at SmolLM2's shape. The steps of one series take turns; a least-squares
/// line goes through the medians, and the worst relative residual is what is judged. <c>growth [--length 128] [--pairs 7]</c>.
/// </summary>
internal static class GrowthBench
{
    public static void Run(Report report, string[] args)
    {
        int length = new Options(args).Number("--length", 128), rounds = Math.Min(report.Pairs, 9);
        report.Line($"SmolLM2-135M's shape, LoRA on every linear layer, {length} tokens a row, {report.Threads} threads, medians of {rounds} rounds.");
        report.Line();
        report.Line("| in | at | ms | line | worst residual |");
        report.Line("|---|---|---|---|---|");
        using var device = new CpuDevice(report.Threads);
        Series("batch", [1, 2, 4, 8], _ => (8, 30), n => n);
        Series("layers", [8, 16, 24, 32], n => (8, n), _ => 4);
        Series("rank", [4, 16, 32, 64], n => (n, 30), _ => 4);

        void Series(string name, int[] sizes, Func<int, (int Rank, int Layers)> model, Func<int, int> batch)
        {
            var models = new Dictionary<(int, int), TrainableModel>();
            foreach (int n in sizes)
            {
                var (rank, layers) = model(n);
                if (!models.ContainsKey((rank, layers)))
                    models.Add((rank, layers), Workload.Model(Workload.Lora(rank), Workload.Config("smollm2-135m", layers), device));
            }
            var times = sizes.Select(_ => new List<double>()).ToArray();
            for (int round = -2; round < rounds; round++)
            {
                for (int i = 0; i < sizes.Length; i++)
                {
                    var ours = models[model(sizes[i])];
                    IBatch[] batches = [Workload.Tokens(batch(sizes[i]), length, 49152)];
                    var clock = Stopwatch.StartNew();
                    ours.Step.Run(round + 2, batches, Workload.Rates(ours));
                    if (round >= 0)
                        times[i].Add(clock.Elapsed.TotalMilliseconds);
                }
            }
            foreach (var ours in models.Values)
                ours.Dispose();
            double[] medians = [.. times.Select(t => t.Order().ElementAt(t.Count / 2))];
            var (at0, slope) = Line(sizes, medians);
            double worst = sizes.Zip(medians, (n, ms) => Math.Abs(ms - at0 - (slope * n)) / ms).Max();
            report.Line(string.Create(CultureInfo.InvariantCulture,
                $"| {name} | {string.Join(", ", sizes)} | {string.Join(", ", medians.Select(m => m.ToString("F0", CultureInfo.InvariantCulture)))} | {at0:F0} + {slope:F2}·n | {worst:P1} |"));
        }
    }

    // Least squares.
    private static (double At0, double Slope) Line(int[] x, double[] y)
    {
        double mx = x.Average(), my = y.Average();
        double slope = x.Zip(y, (a, b) => (a - mx) * (b - my)).Sum() / x.Sum(a => (a - mx) * (a - mx));
        return (my - (slope * mx), slope);
    }
}
