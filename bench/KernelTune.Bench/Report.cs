using System.Diagnostics;
using System.Globalization;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Bench;

/// <summary>The options of one run, and where its lines go: standard output, and a file of results that names machine and commit.</summary>
internal sealed class Report : IDisposable
{
    private readonly StreamWriter? file;

    private Report(StreamWriter? file) => this.file = file;

    public int Pairs { get; private init; }

    public int Threads { get; private init; }

    public string Filter { get; private init; } = "";

    public string? Blas { get; private init; }

    public static Report Open(string[] args)
    {
        string? Option(string name) => Array.IndexOf(args, name) is var i and >= 0 && i + 1 < args.Length ? args[i + 1] : null;
        var report = new Report(Option("--out") is { } path ? new StreamWriter(path) : null)
        {
            Pairs = int.Parse(Option("--pairs") ?? "30", CultureInfo.InvariantCulture),
            Threads = int.Parse(Option("--threads") ?? "2", CultureInfo.InvariantCulture),
            Filter = Option("--filter") ?? "",
            Blas = Option("--blas"),
        };
        report.Line($"# {string.Join(' ', args)}");
        report.Line();
        report.Line($"{Machine()}; {Environment.ProcessorCount} processors; {InstructionSets.Best}; commit {Commit()}; .NET {Environment.Version}");
        report.Line();
        return report;
    }

    public void Line(string text = "")
    {
        Console.WriteLine(text);
        file?.WriteLine(text);
    }

    public void Dispose() => file?.Dispose();

    private static string Machine()
    {
        const string Info = "/proc/cpuinfo";
        return File.Exists(Info)
            ? File.ReadLines(Info).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown"
            : "unknown";
    }

    private static string Commit()
    {
        using var git = Process.Start(new ProcessStartInfo("git", "rev-parse --short HEAD") { RedirectStandardOutput = true, RedirectStandardError = true });
        return git?.StandardOutput.ReadToEnd().Trim() ?? "unknown";
    }
}
