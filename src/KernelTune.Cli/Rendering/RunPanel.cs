using System.Globalization;
using KernelTune.Cli.Recipes;
using Spectre.Console;

namespace KernelTune.Cli.Rendering;

/// <summary>What a run is about to do.</summary>
/// <param name="Model">Where the base is.</param>
/// <param name="Architecture">What it is.</param>
/// <param name="Method">full, or lora with its rank and number of sites.</param>
/// <param name="Trainable">Elements that train.</param>
/// <param name="Total">Elements in all.</param>
/// <param name="Data">Rows and steps, in words.</param>
/// <param name="Device">The device and its threads.</param>
/// <param name="Memory">Bytes predicted at the peak, by category; empty categories left out.</param>
/// <param name="Predicted">Bytes predicted at the peak with the pool's gaps, beside what the process holds already.</param>
/// <param name="Output">The run's folder.</param>
/// <param name="Account">What the data files were found to be, and what their rows are like.</param>
internal sealed record RunView(
    string Model,
    string Architecture,
    string Method,
    long Trainable,
    long Total,
    string Data,
    string Device,
    IReadOnlyList<(string Category, long Bytes)> Memory,
    long Predicted,
    string Output,
    IReadOnlyList<string> Account)
{
    /// <summary>What else a user should know before step 1: the word of a row, and its text.</summary>
    public IReadOnlyList<(string Row, string Text)> Notes { get; init; } = [];
}

/// <summary>The panel before step 1: model, method, trainable of total, and the memory that the run will need.</summary>
internal static class RunPanel
{
    public static void Show(RunView run, IAnsiConsole console)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap().PadRight(3)).AddColumn();
        void Row(string key, string value) => grid.AddRow(Markup.Escape(key), Markup.Escape(value));

        Row("model", $"{run.Model} ({run.Architecture})");
        Row("method", run.Method);
        double share = run.Total == 0 ? 0 : 100.0 * run.Trainable / run.Total;
        Row("trainable", string.Create(CultureInfo.InvariantCulture, $"{run.Trainable:N0} of {run.Total:N0} parameters ({share:0.##}%)"));
        Row("data", run.Data);
        foreach (string line in run.Account) Row("", line);
        Row("device", run.Device);
        foreach (var (row, text) in run.Notes) Row(row, text);
        Row("memory", $"{ByteCount.Show(run.Predicted)} predicted");
        foreach (var (category, bytes) in run.Memory) Row("", $"{ByteCount.Show(bytes),11}  {category}");
        Row("output", run.Output);
        console.Write(new Panel(grid).Header("kerneltune").Border(BoxBorder.Rounded));
    }
}
