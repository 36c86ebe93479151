using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using KernelTune.Cli.Models;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Evaluation.Metrics;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;
using Spectre.Console;

namespace KernelTune.Cli.Verbs;

/// <summary>
/// <c>evaluate MODEL --data FILE</c>: loss and perplexity of a language model and its adapter, side by side; <c>--data FOLDER</c>: loss and accuracy of a classifier of pictures.
/// </summary>
internal sealed class EvaluateVerb
{
    private readonly Argument<string> _model = new("MODEL") { Description = "a model, or an adapter's folder that names its base" };
    private readonly Option<string?> _adapter = new("--adapter") { Description = "an adapter's folder" };
    private readonly Option<string> _data = new("--data") { Description = "rows as training takes them: JSON Lines, JSON, CSV, Parquet or text; for pictures a folder with a folder a class", Required = true };
    private readonly Option<string?> _rows = new("--rows") { Description = "text: only these rows, begin:end" };
    private readonly Option<int> _maxLength = new("--max-length") { Description = "text: tokens; longer rows are cut", DefaultValueFactory = _ => 512 };
    private readonly Option<int> _batchSize = new("--batch-size") { Description = "rows or pictures at a time", DefaultValueFactory = _ => 4 };
    private readonly Option<string> _lossOn = new("--loss-on") { Description = "text: the tokens that are judged", DefaultValueFactory = _ => "auto" };
    private readonly Option<bool> _skipBad = new("--skip-bad") { Description = "leave out rows or pictures that cannot be read" };
    private readonly Option<bool> _strict = new("--strict") { Description = "text: refuse rows that are too long" };
    private readonly Option<bool> _each = new("--each") { Description = "text: each row's log-probability and perplexity too; rows then run one at a time" };
    private readonly Option<bool> _json = new("--json") { Description = "the same as JSON" };
    private readonly MachineOptions _machine = new();

    private Option[] TextOptions => [_rows, _maxLength, _lossOn, _strict, _each];

    public Command Command(Application application)
    {
        _lossOn.AcceptOnlyFromAmong([.. RecipeWords.Losses.Select(l => l.Word)]);
        var command = new Command("evaluate", "Judge a model, and its adapter beside it, on held-out rows.")
        {
            _model, _adapter, _data, _rows, _maxLength, _batchSize, _lossOn, _skipBad, _strict, _each, _json,
        };
        _machine.AddTo(command);
        return application.WithAction(command, Run);
    }

    private void Run(ParseResult parsed, Terminal terminal, CancellationToken stop)
    {
        (string model, string? adapter) = LoadedModel.Find(parsed.GetValue(_model)!, parsed.GetValue(_adapter));
        if (parsed.GetValue(_batchSize) < 1) throw new UsageException($"--batch-size: found {parsed.GetValue(_batchSize)}, wanted 1 or more");
        if (parsed.GetValue(_maxLength) < 2) throw new UsageException($"--max-length: found {parsed.GetValue(_maxLength)}, wanted 2 or more");
        bool pictures = PictureEvaluation.IsFor(model);
        if (pictures && TextOptions.FirstOrDefault(o => parsed.GetResult(o) is { Implicit: false }) is { } stray)
            throw new UsageException($"{stray.Name}: it is for rows of text, and {model} tells pictures apart");
        using Device device = _machine.Open(parsed);
        if (pictures)
        {
            PictureEvaluation.Run(new PictureEvaluation.Request(model, adapter, parsed.GetValue(_data)!, parsed.GetValue(_batchSize), parsed.GetValue(_skipBad), parsed.GetValue(_json)), device, terminal, stop);
            return;
        }
        IReadOnlyList<JudgedModel> results = EvaluateRun.SideBySide(new EvaluateRequest(model, adapter, [Rows(parsed)], Settings(parsed))
        {
            BatchSize = parsed.GetValue(_batchSize),
            SkipBad = parsed.GetValue(_skipBad),
            Strict = parsed.GetValue(_strict),
            Each = parsed.GetValue(_each),
        }, device, terminal.Warn, stop);
        if (parsed.GetValue(_json)) terminal.WriteJson(Json(parsed.GetValue(_data)!, model, adapter, results));
        else Show(results, terminal);
    }

    private DataFile Rows(ParseResult parsed)
    {
        ExampleRange? rows = null;
        if (parsed.GetValue(_rows) is { } text) rows = ExampleRange.Parse(text) ?? throw new UsageException($"--rows: found {text}, wanted begin:end");
        return new DataFile(parsed.GetValue(_data)!, 1, rows);
    }

    private DataSettings Settings(ParseResult parsed) => new()
    {
        MaxLength = parsed.GetValue(_maxLength),
        LossOn = RecipeWords.Losses.First(l => l.Word == parsed.GetValue(_lossOn)).Value,
    };

    private static void Show(IReadOnlyList<JudgedModel> results, Terminal terminal)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn("");
        foreach (string column in (string[])["loss", "perplexity", "labels"]) table.AddColumn(new TableColumn(column).RightAligned());
        foreach (var (name, loss) in results)
            table.AddRow(name, loss.Mean.ToString("0.000000", CultureInfo.InvariantCulture), loss.Perplexity.ToString("0.0000", CultureInfo.InvariantCulture), loss.Labels.ToString("N0", CultureInfo.InvariantCulture));
        terminal.Results.Write(table);
        if (results[0].Rows.Count > 0) terminal.Results.Write(EachTable(results));
    }

    private static Table EachTable(IReadOnlyList<JudgedModel> results)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn("line").RightAligned()).AddColumn(new TableColumn("labels").RightAligned());
        foreach (JudgedModel model in results)
            foreach (string column in (string[])["log-probability", "perplexity"]) table.AddColumn(new TableColumn($"{model.Name} {column}").RightAligned());
        for (int i = 0; i < results[0].Rows.Count; i++)
        {
            JudgedRow first = results[0].Rows[i];
            table.AddRow([Count(first.Line), Count(first.Labels), .. results.SelectMany(m => (string[])[Number(m.Rows[i].LogProbability), Number(m.Rows[i].Perplexity)])]);
        }
        return table;

        static string Count(long n) => n.ToString(CultureInfo.InvariantCulture);
        static string Number(double x) => x.ToString("0.0000", CultureInfo.InvariantCulture);
    }

    private static JsonObject Json(string data, string model, string? adapter, IReadOnlyList<JudgedModel> results)
    {
        var json = new JsonObject { ["data"] = data, ["model"] = model, ["adapter_path"] = adapter };
        foreach (JudgedModel judged in results)
        {
            var one = new JsonObject { ["loss"] = judged.Loss.Mean, ["perplexity"] = judged.Loss.Perplexity, ["labels"] = judged.Loss.Labels };
            if (judged.Rows.Count > 0)
                one["rows"] = new JsonArray([.. judged.Rows.Select(r => (JsonNode)new JsonObject { ["line"] = r.Line, ["labels"] = r.Labels, ["logprob"] = r.LogProbability, ["perplexity"] = r.Perplexity })]);
            json[judged.Name] = one;
        }
        return json;
    }
}
