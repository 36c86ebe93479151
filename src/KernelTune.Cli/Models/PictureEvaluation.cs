using System.Globalization;
using System.Text.Json.Nodes;
using KernelTune.Checkpoints;
using KernelTune.Data.Pictures;
using KernelTune.Devices;
using KernelTune.Models;
using KernelTune.Training.Runs;
using KernelTune.Training.Tasks;
using Spectre.Console;

namespace KernelTune.Cli.Models;

/// <summary>Judges a classifier of pictures on a folder, and shows it.</summary>
internal static class PictureEvaluation
{
    /// <param name="Model">A model's folder.</param>
    /// <param name="Adapter">An adapter's folder; null: none.</param>
    /// <param name="Folder">A folder of pictures a class.</param>
    /// <param name="BatchSize">Pictures at a time.</param>
    /// <param name="SkipBad">Leave out pictures that cannot be read.</param>
    /// <param name="Json">As JSON.</param>
    public sealed record Request(string Model, string? Adapter, string Folder, int BatchSize, bool SkipBad, bool Json);

    /// <summary>True where a model's configuration names a classifier of pictures.</summary>
    public static bool IsFor(string model)
    {
        using HuggingFaceFolder source = HuggingFaceFolder.Open(model);
        return ModelRegistry.IsImageClassifier(source.Config);
    }

    public static void Run(Request request, Device device, Terminal terminal, CancellationToken stop)
    {
        using LoadedClassifier loaded = LoadedClassifier.Open(request.Model, request.Adapter, device, terminal.Warn, stop);
        (Judgement judgement, PictureEvaluationData data) = loaded.Judge(request.Folder, request.BatchSize, request.SkipBad, stop);
        foreach (string note in PictureTrainingData.NotesOf(data.Set)) terminal.Warn(note);
        IReadOnlyList<Figure> figures = new ImageClassificationTask().Figures(judgement);
        string name = request.Adapter is null ? "base" : "adapter";
        if (request.Json)
        {
            var judged = new JsonObject { ["pictures"] = data.Count };
            foreach (Figure figure in figures) judged[figure.Name] = figure.Value;
            terminal.WriteJson(new JsonObject { ["data"] = request.Folder, ["model"] = request.Model, ["adapter_path"] = request.Adapter, [name] = judged });
            return;
        }

        var table = new Table().Border(TableBorder.Simple).AddColumn("");
        foreach (Figure figure in figures) table.AddColumn(new TableColumn(figure.Name).RightAligned());
        table.AddColumn(new TableColumn("pictures").RightAligned());
        table.AddRow([name, .. figures.Select(f => f.Value.ToString("0.0000", CultureInfo.InvariantCulture)), data.Count.ToString("N0", CultureInfo.InvariantCulture)]);
        terminal.Results.Write(table);
    }
}
