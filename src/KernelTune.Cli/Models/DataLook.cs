using System.Globalization;
using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Training.Runs;
using Spectre.Console;

namespace KernelTune.Cli.Models;

/// <summary>What a file of examples holds, for <c>inspect</c>: what it is, how many rows of which lengths, which come twice, how classes are balanced.</summary>
internal static class DataLook
{
    private static readonly string[] Weights = [".safetensors", ".gguf", ".bin", ".pt", ".pth"];

    /// <summary>Whether <paramref name="path"/> is a file of examples or a folder of texts rather than weights, a model or an adapter.</summary>
    public static bool IsFor(string path) => Directory.Exists(path)
        ? !File.Exists(Path.Combine(path, "config.json")) && !File.Exists(Path.Combine(path, AdapterFolder.ConfigName)) && !Directory.EnumerateFiles(path).Any(f => Weights.Contains(Path.GetExtension(f)))
        : File.Exists(path) && !Weights.Contains(Path.GetExtension(path));

    /// <summary>Shows the report; lengths are tokens where <paramref name="model"/> names whose.</summary>
    /// <exception cref="DataException">The file, or a row of it, cannot be used.</exception>
    public static void Show(string path, string? model, bool skipBad, bool json, Terminal terminal)
    {
        SplitReport report = Report(path, model, skipBad) with { Name = "data" };
        if (json)
        {
            terminal.WriteJson(System.Text.Json.Nodes.JsonNode.Parse(new DataReport([report]).ToJson())!.AsObject());
            return;
        }

        foreach (FileReport file in report.Files) terminal.Out.WriteLine($"{file.Path}: {file.Detected}");
        terminal.Out.WriteLine($"  {report.Sentence()}");
        var table = new Table().Border(TableBorder.Simple).AddColumn($"length in {report.Unit}");
        LengthQuantiles lengths = report.Lengths;
        (string, int)[] columns = [("least", lengths.Least), ("5%", lengths.P5), ("25%", lengths.P25), ("50%", lengths.Median), ("75%", lengths.P75), ("95%", lengths.P95), ("99%", lengths.P99), ("most", lengths.Most)];
        foreach (var (name, _) in columns) table.AddColumn(new TableColumn(name).RightAligned());
        table.AddRow(["", .. columns.Select(c => Count(c.Item2))]);
        terminal.Results.Write(table);
        foreach (LabelCount label in report.Labels) terminal.Out.WriteLine($"  {label.Label}: {Count(label.Count)} ({100.0 * label.Count / Math.Max(1, report.Labels.Sum(l => l.Count)):0.#}%)");
        foreach (string reason in report.Files.SelectMany(f => f.SkippedBecause)) terminal.Warn(reason);
    }

    private static SplitReport Report(string path, string? model, bool skipBad)
    {
        if (model is null) return DataInspection.Of(path, new ReadOptions { SkipBad = skipBad });
        TextTools text = TextTools.Open(Folder(model));
        return EvaluationData.Load([new DataFile(path)], new RowOptions { SkipBad = skipBad }, text.Encoder, text.Template).Report;
    }

    /// <summary>A folder needs no weights to lend its tokenizer.</summary>
    private static string Folder(string model)
    {
        if (Directory.Exists(model)) return model;
        using HuggingFaceFolder folder = HuggingFaceFolder.Open(model);
        return folder.Folder;
    }

    private static string Count(long n) => n.ToString("N0", CultureInfo.InvariantCulture);
}
