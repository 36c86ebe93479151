using System.Globalization;
using KernelTune.Text;

namespace KernelTune.Bench;

/// <summary>
/// Megabytes of text a second on one thread, paragraph by paragraph, beside Hugging Face's tokenizers in Rust (bench/Peers), in turn: a first pass with empty caches, and one more over the same text.
/// And one long word, one long text, and all threads. <c>tokenize --model FOLDER --text FOLDER [--peer "COMMAND tokenize"]</c>.
/// </summary>
internal static class TokenizeBench
{
    public static void Run(Report report, string[] args)
    {
        var options = new Options(args);
        string folder = options.Word("--model", "../shared/models/smollm2-135m-instruct"), texts = options.Word("--text", "../shared/models/data/corpus");
        string[] paragraphs = [.. Directory.GetFiles(texts, "*.txt").Order(StringComparer.Ordinal).SelectMany(f => File.ReadAllText(f).Split("\n\n", StringSplitOptions.RemoveEmptyEntries))];
        long bytes = paragraphs.Sum(p => (long)System.Text.Encoding.UTF8.GetByteCount(p));
        int rounds = Math.Min(report.Pairs, 15);
        report.Line($"{Path.GetFileName(folder)}: {paragraphs.Length} paragraphs, {bytes / 1e6:F2} MB, medians of {rounds} rounds.");
        report.Line();
        using var peer = options.Word("--peer", "") is { Length: > 0 } command ? new ServedStep($"{command} --model {folder} --text {texts}") : null;
        var (cold, warm, theirs, allocated) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (int round = -3; round < rounds; round++)
        {
            var tokenizer = Tokenizer.Load(folder);
            double first = Pass(tokenizer, paragraphs);
            long before = GC.GetAllocatedBytesForCurrentThread();
            double again = Pass(tokenizer, paragraphs);
            long made = GC.GetAllocatedBytesForCurrentThread() - before;
            double rust = peer?.Step() / 1000 ?? double.NaN;
            if (round < 0)
                continue;
            cold.Add(bytes / 1e6 / first);
            warm.Add(bytes / 1e6 / again);
            theirs.Add(bytes / 1e6 / rust);
            allocated.Add(made / (double)bytes);
        }
        static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
        string Number(double value, string format = "F1") => value.ToString(format, CultureInfo.InvariantCulture);
        report.Line("| one thread | MB/s | to Rust |");
        report.Line("|---|---|---|");
        report.Line($"| first pass | {Number(Median(cold))} | {Number(Median([.. cold.Zip(theirs, (a, b) => a / b)]))} |");
        report.Line($"| again | {Number(Median(warm))} | {Number(Median([.. warm.Zip(theirs, (a, b) => a / b)]))} |");
        report.Line($"| Rust, a pass that has seen the text | {Number(Median(theirs))} | |");
        report.Line();
        report.Line($"{Number(Median(allocated), "F2")} bytes allocated a byte read.");
        report.Line();

        var loaded = Tokenizer.Load(folder);
        string whole = string.Concat(Enumerable.Repeat(string.Join("\n\n", paragraphs), 12));
        report.Line("| length, MB | one unbroken word, s | one text, s |");
        report.Line("|---|---|---|");
        foreach (int size in (int[])[250_000, 500_000, 1_000_000, 5_000_000, 10_000_000])
        {
            string word = new([.. Enumerable.Range(0, Math.Min(size, 1_000_000)).Select(i => (char)('a' + (i * 7 % 26)))]);
            double one = size <= 1_000_000 ? Pass(loaded, [word]) : double.NaN, text = Pass(loaded, [whole[..size]]);
            report.Line($"| {size / 1e6:0.##} | {(double.IsNaN(one) ? "" : Number(one, "F3"))} | {Number(text, "F3")} |");
        }
        report.Line();
        string[] many = [.. Enumerable.Range(0, 8).SelectMany(_ => paragraphs)];
        loaded.EncodeBatch(many);
        double wall(int threads)
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            Parallel.ForEach(many, new ParallelOptions { MaxDegreeOfParallelism = threads }, p => loaded.EncodeIds(p));
            return clock.Elapsed.TotalSeconds;
        }
        double[] speedups = [.. Enumerable.Range(0, 5).Select(_ => wall(1) / wall(report.Threads)).Order()];
        report.Line($"{report.Threads} threads over one: {Number(speedups[2], "F2")} times as fast.");
    }

    // Seconds of processor time.
    private static double Pass(Tokenizer tokenizer, string[] texts)
    {
        double begin = Clock.Seconds(1);
        foreach (string text in texts)
            tokenizer.EncodeIds(text);
        return Clock.Seconds(1) - begin;
    }
}
