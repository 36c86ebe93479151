using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using KernelTune.Cli.Models;
using KernelTune.Cli.Recipes;
using KernelTune.Cli.Rendering;
using KernelTune.Devices;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Cli.Verbs;

/// <summary><c>train RECIPE [key=value…]</c>: trains what a recipe says.</summary>
internal sealed class TrainVerb
{
    private readonly Argument<string> _recipe = new("RECIPE") { Description = "a recipe, YAML" };
    private readonly Argument<string[]> _settings = new("key=value") { Description = "settings over the recipe's, dotted: lora.r=16", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<bool> _resume = new("--resume") { Description = "go on from the output folder's last complete checkpoint" };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "check everything, predict the memory, train nothing" };
    private readonly Option<bool> _skipBad = new("--skip-bad") { Description = "leave out rows or pictures that cannot be read, and count them" };
    private readonly Option<bool> _strict = new("--strict") { Description = "text: refuse rows that are longer than data.max_length" };
    private readonly Option<bool> _allowNonFinite = new("--allow-non-finite") { Description = "train from weights that hold NaN or infinity" };
    private readonly Option<bool> _json = new("--json") { Description = "the result as JSON" };
    private readonly MachineOptions _machine = new();

    public Command Command(Application application)
    {
        var command = new Command("train", "Train what a recipe says.") { _recipe, _settings, _resume, _dryRun, _skipBad, _strict, _allowNonFinite, _json };
        _machine.AddTo(command);
        return application.WithAction(command, Run);
    }

    private void Run(ParseResult parsed, Terminal terminal, CancellationToken stop)
    {
        Recipe recipe = RecipeReader.Read(parsed.GetValue(_recipe)!, parsed.GetValue(_settings) ?? []);
        if (recipe.Task == TaskKind.ImageClassification && parsed.GetValue(_strict)) throw new UsageException("--strict: it is for rows of text, and the recipe's task is image-classification");
        using Device device = _machine.Open(parsed, recipe.Device, recipe.MemoryLimit);
        var request = new RunRequest(recipe, parsed.GetValue(_resume), parsed.GetValue(_skipBad), parsed.GetValue(_strict), parsed.GetValue(_allowNonFinite));
        bool json = parsed.GetValue(_json);
        var conductor = new RunConductor(terminal, device);
        RunResult result;
        LedgerView ledger;
        try
        {
            if (parsed.GetValue(_dryRun))
            {
                RunView view = conductor.DryRun(request);
                if (json) terminal.WriteJson(Plan(view));
                else RunPanel.Show(view, terminal.Results);
                return;
            }
            (result, ledger) = conductor.Train(request, stop);
        }
        catch (MemoryPlanException e) when (!terminal.LogsJson)
        {
            ChangesTable.Show(e, terminal.Progress);
            throw;
        }
        if (json)
        {
            terminal.WriteJson(Result(result, ledger));
            return;
        }
        LedgerTable.Show(ledger, terminal.Results);
        terminal.Out.WriteLine(Sentence(result));
    }

    private static string Sentence(RunResult result)
    {
        string end = result.End switch { RunEnd.Finished => "finished", RunEnd.StoppedEarly => "stopped early", _ => "interrupted" };
        string loss = result is { FirstEvaluation: { } first, LastEvaluation: { } last }
            ? string.Create(CultureInfo.InvariantCulture, $", validation loss {first:0.0000} before and {last:0.0000} after (best {result.BestEvaluation ?? last:0.0000})")
            : "";
        if (result.Test is { } test) loss += string.Create(CultureInfo.InvariantCulture, $", test loss {test:0.0000}");
        string where = result.End == RunEnd.Interrupted ? "--resume goes on from" : "everything is in";
        return string.Create(CultureInfo.InvariantCulture, $"{end} after {result.Steps} steps{loss}; {where} {result.Output}");
    }

    private static JsonObject Plan(RunView view)
    {
        var memory = new JsonObject();
        foreach (var (category, bytes) in view.Memory) memory[category] = bytes;
        return new JsonObject
        {
            ["model"] = view.Model,
            ["architecture"] = view.Architecture,
            ["method"] = view.Method,
            ["trainable"] = view.Trainable,
            ["total"] = view.Total,
            ["data"] = view.Data,
            ["data_account"] = new JsonArray([.. view.Account.Select(a => (JsonNode)a)]),
            ["device"] = view.Device,
            ["memory"] = memory,
            ["predicted_bytes"] = view.Predicted,
            ["notes"] = new JsonObject(view.Notes.Select(n => KeyValuePair.Create(n.Row, (JsonNode?)n.Text))),
            ["output"] = view.Output,
        };
    }

    private static JsonObject Result(RunResult result, LedgerView ledger) => new()
    {
        ["end"] = result.End switch { RunEnd.Finished => "finished", RunEnd.StoppedEarly => "stopped_early", _ => "interrupted" },
        ["steps"] = result.Steps,
        ["validation_loss"] = new JsonObject { ["first"] = result.FirstEvaluation, ["last"] = result.LastEvaluation, ["best"] = result.BestEvaluation },
        ["test_loss"] = result.Test,
        ["memory"] = ledger.ToJson(),
        ["output"] = result.Output,
    };
}
