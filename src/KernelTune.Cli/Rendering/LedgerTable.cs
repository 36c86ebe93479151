using System.Globalization;
using System.Text.Json.Nodes;
using KernelTune.Cli.Recipes;
using Spectre.Console;

namespace KernelTune.Cli.Rendering;

/// <summary>Bytes of one category at the peak.</summary>
internal readonly record struct LedgerRow(string Category, long Predicted, long Measured);

/// <summary>Predicted beside measured: every category of the ledger at its peak, then the pool and the process.</summary>
/// <param name="Rows">The categories that hold something.</param>
/// <param name="Pool">Bytes of the pools' segments that were touched: the peak with its gaps.</param>
/// <param name="Process">Resident memory of the process at its peak; the prediction adds what was resident before the model loaded.</param>
internal sealed record LedgerView(IReadOnlyList<LedgerRow> Rows, LedgerRow Pool, LedgerRow Process)
{
    public JsonObject ToJson()
    {
        static JsonObject Of(LedgerRow row) => new() { ["predicted"] = row.Predicted, ["measured"] = row.Measured };
        var categories = new JsonObject();
        foreach (LedgerRow row in Rows) categories[row.Category] = Of(row);
        return new JsonObject { ["categories"] = categories, ["pool"] = Of(Pool), ["process"] = Of(Process) };
    }
}

internal static class LedgerTable
{
    public static void Show(LedgerView ledger, IAnsiConsole console)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn("memory at the peak");
        foreach (string column in (string[])["predicted", "measured", "measured / predicted"]) table.AddColumn(new TableColumn(column).RightAligned());
        foreach (LedgerRow row in ledger.Rows) Add(table, row);
        Add(table, new LedgerRow("sum", ledger.Rows.Sum(r => r.Predicted), ledger.Rows.Sum(r => r.Measured)));
        Add(table, ledger.Pool);
        Add(table, ledger.Process);
        console.Write(table);
    }

    private static void Add(Table table, LedgerRow row)
    {
        string ratio = row.Predicted == 0 ? "" : ((double)row.Measured / row.Predicted).ToString("0.000", CultureInfo.InvariantCulture);
        table.AddRow(Markup.Escape(row.Category), ByteCount.Show(row.Predicted), ByteCount.Show(row.Measured), ratio);
    }
}
