using KernelTune.Autograd;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Evaluation.Metrics;
using KernelTune.Models;
using KernelTune.Training.Recipes;
using KernelTune.Training.Tasks;

namespace KernelTune.Training.Runs;

/// <summary>What is judged, and on what.</summary>
/// <param name="Model">The base: a folder, a file or org/name.</param>
/// <param name="Adapter">An adapter's folder; null: the base alone.</param>
/// <param name="Files">The rows.</param>
/// <param name="Data">How rows become tokens and labels: format, max_length, loss_on.</param>
public sealed record EvaluateRequest(string Model, string? Adapter, IReadOnlyList<DataFile> Files, DataSettings Data)
{
    /// <summary>Rows at a time.</summary>
    public int BatchSize { get; init; } = 4;

    /// <summary>Leave out rows that cannot be read, and count them.</summary>
    public bool SkipBad { get; init; }

    /// <summary>Refuse rows that are too long.</summary>
    public bool Strict { get; init; }
}

/// <summary>Loss and perplexity of a base and its adapter on the same rows, side by side.</summary>
public static class EvaluateRun
{
    /// <summary>Judges "base" and, where there is one, "adapter"; one is in memory at a time.</summary>
    /// <exception cref="DataException">A file or a row cannot be used.</exception>
    public static IReadOnlyList<(string Name, LossMean Loss)> SideBySide(EvaluateRequest request, Device device, Action<string>? note = null, CancellationToken cancellation = default)
    {
        var results = new List<(string, LossMean)>();
        foreach (string? adapter in request.Adapter is null ? [null] : (string?[])[null, request.Adapter])
        {
            using var loaded = LoadedModel.Open(request.Model, adapter, device, note, cancellation);
            var settings = request.Data with { MaxLength = Math.Min(request.Data.MaxLength, loaded.Model.MaxPositions - loaded.Model.VirtualTokens) };
            var rows = RunData.LoadEvaluation(request.Files, settings, request.SkipBad, request.Strict, loaded.Text, sourceApart: loaded.Model is EncoderDecoder);
            using var session = new Session(device);
            results.Add((adapter is null ? "base" : "adapter", Evaluator.Judge(LanguageTask.Of(loaded.Model), loaded.Model, session, rows.Batches(request.BatchSize), cancellation).Loss));
        }
        return results;
    }
}
