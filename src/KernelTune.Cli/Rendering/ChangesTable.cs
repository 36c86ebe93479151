using KernelTune.Cli.Recipes;
using KernelTune.Training.Runs;
using Spectre.Console;

namespace KernelTune.Cli.Rendering;

/// <summary>What would make a run fit that its memory_limit refuses: changes as overrides that can be typed, and the memory foreseen with each.</summary>
internal static class ChangesTable
{
    public static void Show(MemoryPlanException refused, IAnsiConsole console)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn("what to change");
        foreach (string column in (string[])["predicted", $"within {ByteCount.Show(refused.Limit)}"]) table.AddColumn(new TableColumn(column).RightAligned());
        table.AddRow("nothing", ByteCount.Show(refused.Plan.Touched), "no");
        foreach (MemoryChange change in refused.Changes) table.AddRow(Markup.Escape(change.Settings), ByteCount.Show(change.Bytes), change.Fits ? "yes" : "no");
        console.Write(table);
    }
}
