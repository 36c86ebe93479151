using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using KernelTune.Checkpoints;
using KernelTune.Cli.Models;
using KernelTune.Devices;
using KernelTune.Training.Runs;

namespace KernelTune.Cli.Verbs;

/// <summary><c>merge MODEL --output FOLDER</c>: adds an adapter into its base's weights and saves a Hugging Face folder.</summary>
internal sealed class MergeVerb
{
    private readonly Argument<string> _model = new("MODEL") { Description = "a model, or an adapter's folder that names its base" };
    private readonly Option<string?> _adapter = new("--adapter") { Description = "an adapter's folder" };
    private readonly Option<string> _output = new("--output") { Description = "the new model's folder", Required = true };
    private readonly Option<string?> _dtype = new("--dtype") { Description = "F32, BF16 or F16; default: the base's own 16-bit type, BF16 for a quantised base" };
    private readonly Option<bool> _json = new("--json") { Description = "the result as JSON" };
    private readonly MachineOptions _machine = new();

    public Command Command(Application application)
    {
        _dtype.AcceptOnlyFromAmong("F32", "BF16", "F16");
        var command = new Command("merge", "Merge an adapter into its base and save the model.") { _model, _adapter, _output, _dtype, _json };
        _machine.AddTo(command);
        return application.WithAction(command, Run);
    }

    private void Run(ParseResult parsed, Terminal terminal, CancellationToken stop)
    {
        (string model, string? adapter) = LoadedModel.Find(parsed.GetValue(_model)!, parsed.GetValue(_adapter));
        if (adapter is null) throw new UsageException($"{model} is no adapter: name one with --adapter");
        string output = parsed.GetValue(_output)!;
        using Device device = _machine.Open(parsed);
        WeightFormat? format = parsed.GetValue(_dtype) is { } name ? WeightFormats.Find(name) : null;
        bool pictures = PictureEvaluation.IsFor(model);
        (WeightFormat written, LogitDrift drift) = pictures
            ? ClassifierMerging.Run(model, adapter, output, device, format, terminal.Warn, stop)
            : Merging.Run(model, adapter, output, device, format, note: terminal.Warn, cancellation: stop);
        if (parsed.GetValue(_json))
        {
            terminal.WriteJson(new JsonObject
            {
                ["output"] = output,
                ["dtype"] = written.Name,
                ["logit_drift"] = new JsonObject { ["max"] = drift.Most, ["mean"] = drift.Mean, ["positions"] = drift.Positions, ["same_token"] = drift.SameToken, ["divergence"] = drift.Divergence },
            });
            return;
        }
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"merged into {output} ({written.Name}); logits moved by {drift.Most:0.00e+00} at most, {drift.Mean:0.00e+00} on average; the likeliest {(pictures ? "class" : "token")} is the same {(pictures ? "for" : "at")} {drift.SameToken} of {drift.Positions} {(pictures ? "pictures" : "positions")}"));
    }
}
