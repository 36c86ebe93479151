using System.Globalization;
using System.Text.Json.Nodes;
using KernelTune.Devices;
using KernelTune.Training.Runs;
using KernelTune.Training.Tasks;

namespace KernelTune.Cli.Rendering;

/// <summary>Shows what a run reports: on a screen one line that is rewritten, elsewhere plain lines, or JSON.</summary>
/// <param name="terminal">Where to.</param>
/// <param name="device">Whose memory is shown.</param>
/// <param name="measurePeak">Measures the operations a second that the machine does at most; null: no share is shown.</param>
internal sealed class TrainingReport(Terminal terminal, Device device, Func<double>? measurePeak) : IProgress<RunEvent>
{
    // A redirected run writes about this many lines of steps, however long it is.
    private const int MostLines = 100;

    // Each measurement stops the machine for some ten milliseconds.
    private const int MostMeasurements = 4;

    private double _peak = measurePeak?.Invoke() ?? 0;
    private int _measurements = 1;
    private double _seconds;
    private int _steps;

    public void Report(RunEvent value)
    {
        switch (value)
        {
            case StepEvent step: Step(step); break;
            case EvaluationEvent evaluation: Evaluation(evaluation); break;
            case SavedEvent saved:
                terminal.Event(new JsonObject { ["event"] = "saved", ["step"] = saved.Step, ["what"] = saved.What, ["path"] = saved.Path }, $"saved {saved.What} {saved.Path}");
                break;
            case ResumedEvent resumed:
                terminal.Event(new JsonObject { ["event"] = "resumed", ["step"] = resumed.Step, ["path"] = resumed.Path },
                    string.Create(CultureInfo.InvariantCulture, $"resumed at step {resumed.Step} from {resumed.Path}"));
                break;
            case NoteEvent note: terminal.Warn(note.Text); break;
        }
    }

    private void Step(StepEvent step)
    {
        _seconds += step.Seconds;
        _steps++;
        double share = measurePeak is not null && step.Seconds > 0 ? step.Flops / step.Seconds / Peak(step.Flops / step.Seconds) : 0;
        var view = new StepView(step.Step, step.Steps, step.Loss, step.LearningRate, step.GradientNorm, step.Seconds > 0 ? step.Items / step.Seconds : 0, step.ItemsName,
            measurePeak is null ? null : share, device.Ledger.Peak, TimeSpan.FromSeconds((step.Steps - step.Step) * _seconds / _steps));
        int every = terminal.IsInteractive || terminal.LogsJson ? 1 : Math.Max(1, step.Steps / MostLines);
        if (step.Step % every != 0 && step.Step != step.Steps && step.Step != 1) return;
        var fields = new JsonObject
        {
            ["event"] = "step",
            ["step"] = step.Step,
            ["steps"] = step.Steps,
            ["epoch"] = step.Epoch,
            ["loss"] = Number(step.Loss),
            ["learning_rate"] = step.LearningRate,
            ["grad_norm"] = Number(step.GradientNorm),
            [$"{step.ItemsName}_per_second"] = view.ItemsPerSecond,
            ["memory_bytes"] = view.Memory,
            ["seconds_left"] = view.Left.TotalSeconds,
        };
        if (measurePeak is not null) fields["peak_share"] = share;
        terminal.Event(fields, StepLine.Format(view), passing: true);
    }

    // A peak that a step beats was measured while others worked or before the clock had risen: it is measured again, a few times a run; then the best step is the peak.
    private double Peak(double beaten)
    {
        if (beaten > _peak && _measurements < MostMeasurements)
        {
            _measurements++;
            _peak = Math.Max(_peak, measurePeak!());
        }

        if (_measurements == MostMeasurements) _peak = Math.Max(_peak, beaten);
        return _peak;
    }

    private void Evaluation(EvaluationEvent evaluation)
    {
        var fields = new JsonObject { ["event"] = "evaluation", ["step"] = evaluation.Step };
        foreach (Figure figure in evaluation.Figures) fields[figure.Name] = Number(figure.Value);
        fields["best"] = evaluation.IsBest;
        string figures = string.Join(", ", evaluation.Figures.Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.Name} {f.Value:0.0000}")));
        terminal.Event(fields, string.Create(CultureInfo.InvariantCulture, $"after step {evaluation.Step}: validation {figures}{(evaluation.IsBest ? ", the best so far" : "")}"));
    }

    // JSON has no NaN.
    private static JsonValue Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : JsonValue.Create(value.ToString(CultureInfo.InvariantCulture))!;
}
