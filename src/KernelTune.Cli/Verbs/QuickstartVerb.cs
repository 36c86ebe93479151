using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using KernelTune.Cli.Models;
using KernelTune.Cli.Quickstart;
using KernelTune.Cli.Recipes;
using KernelTune.Cli.Rendering;
using KernelTune.Devices;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;
using Spectre.Console;

namespace KernelTune.Cli.Verbs;

/// <summary><c>quickstart</c>: watches a small model learn, from files in the command itself: questions answered wrongly, a LoRA, the same questions again.</summary>
internal sealed class QuickstartVerb
{
    private const int Shown = 6;

    private readonly Option<string?> _output = new("--output") { Description = "a new folder for model, data, adapter and reports; default: kerneltune-quickstart here" };
    private readonly Option<int> _questions = new("--questions") { Description = "how many held-out questions are asked", DefaultValueFactory = _ => 210 };
    private readonly Option<bool> _control = new("--shuffled-answers") { Description = "the control: train on answers that belong to other questions" };
    private readonly Option<bool> _json = new("--json") { Description = "the result as JSON" };
    private readonly MachineOptions _machine = new();

    public Command Command(Application application)
    {
        var command = new Command("quickstart", "Watch a small model learn: no download, no settings, about a minute.") { _output, _questions, _control, _json };
        _machine.AddTo(command);
        return application.WithAction(command, Run);
    }

    private void Run(ParseResult parsed, Terminal terminal, CancellationToken stop)
    {
        int count = parsed.GetValue(_questions);
        if (count < 1) throw new UsageException($"--questions: found {count}, wanted 1 or more");
        string folder = Path.GetFullPath(parsed.GetValue(_output) ?? FreeName("kerneltune-quickstart"));
        bool control = parsed.GetValue(_control), json = parsed.GetValue(_json);
        QuickstartFiles.Unpack(folder, control);
        QuickstartQuestion[] questions = [.. QuickstartFiles.Questions("data/test.jsonl").Take(count)];

        terminal.Info($"a small pretrained model answers {questions.Length} questions about people it has read of");
        Examination before = Ask(Path.Combine(folder, "model"), null, parsed, questions, terminal, stop);
        if (!json) Show(questions, before, "before", terminal);

        Recipe recipe = RecipeReader.Read(Path.Combine(folder, "recipe.yaml"), []);
        var clock = Stopwatch.StartNew();
        (RunResult result, LedgerView ledger) = Train(recipe, parsed, terminal, stop);
        double seconds = clock.Elapsed.TotalSeconds;
        if (result.End == RunEnd.Interrupted) return;

        string adapter = Path.Combine(recipe.Output, "final");
        Examination after = Ask(recipe.Model, adapter, parsed, questions, terminal, stop);
        if (json)
        {
            terminal.WriteJson(new JsonObject
            {
                ["questions"] = questions.Length,
                ["shuffled_answers"] = control,
                ["right_before"] = before.Right,
                ["right_after"] = after.Right,
                ["training_seconds"] = seconds,
                ["steps"] = result.Steps,
                ["adapter"] = adapter,
                ["memory"] = ledger.ToJson(),
            });
            return;
        }
        Show(questions, after, "after", terminal);
        LedgerTable.Show(ledger, terminal.Results);
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"right answers: {before.Right} of {questions.Length} before ({100 * before.Score:0}%), {after.Right} after ({100 * after.Score:0}%); {result.Steps} steps of LoRA in {seconds:0} seconds"));
        terminal.Out.WriteLine("none of these people was asked about in training: the model had read of them, and learned how to answer");
        terminal.Out.WriteLine($"model, data and recipe: {folder}; adapter: {adapter}");
        terminal.Out.WriteLine($"ask it yourself: kerneltune generate {adapter} \"{questions[0].Text}\"");
    }

    // A device of its own for each part: the ledger of the training is the training's alone.
    private (RunResult Result, LedgerView Ledger) Train(Recipe recipe, ParseResult parsed, Terminal terminal, CancellationToken stop)
    {
        using Device device = _machine.Open(parsed);
        return new RunConductor(terminal, device).Train(new RunRequest(recipe), stop);
    }

    private Examination Ask(string model, string? adapter, ParseResult parsed, QuickstartQuestion[] questions, Terminal terminal, CancellationToken stop)
    {
        using Device device = _machine.Open(parsed);
        using LoadedModel loaded = LoadedModel.Open(model, adapter, device, terminal.Warn, stop);
        return Examination.Of(loaded, questions, stop);
    }

    private static void Show(QuickstartQuestion[] questions, Examination examination, string when, Terminal terminal)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn("question").AddColumn($"answer {when}").AddColumn("right answer").AddColumn("");
        for (int i = 0; i < Math.Min(Shown, questions.Length); i++)
        {
            string answer = examination.Answers[i].ReplaceLineEndings(" ");
            bool right = answer == questions[i].Answer;
            table.AddRow(Markup.Escape(questions[i].Text), Markup.Escape(answer), Markup.Escape(questions[i].Answer), right ? "[green]right[/]" : "[red]wrong[/]");
        }
        terminal.Results.Write(table);
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{when}: {examination.Right} of {questions.Length} right ({100 * examination.Score:0}%)"));
    }

    private static string FreeName(string name)
    {
        string free = name;
        for (int i = 2; Path.Exists(free); i++) free = string.Create(CultureInfo.InvariantCulture, $"{name}-{i}");
        return free;
    }
}
