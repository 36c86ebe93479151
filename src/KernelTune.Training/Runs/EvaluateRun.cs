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

    /// <summary>Judge each row by itself too: one at a time then, whatever <see cref="BatchSize"/>.</summary>
    public bool Each { get; init; }
}

/// <summary>What a model makes of the rows.</summary>
/// <param name="Name">"base" or "adapter".</param>
/// <param name="Loss">The mean over all labels.</param>
public sealed record JudgedModel(string Name, LossMean Loss)
{
    /// <summary>Each row by itself, in the order of the files; empty unless asked for.</summary>
    public IReadOnlyList<JudgedRow> Rows { get; init; } = [];
}

/// <summary>What a model makes of one row.</summary>
/// <param name="Line">The row's line.</param>
/// <param name="Labels">Its labelled tokens: those of the answer, where loss is on that.</param>
/// <param name="LogProbability">The sum of their log-probabilities, in nats.</param>
public readonly record struct JudgedRow(long Line, long Labels, double LogProbability)
{
    /// <summary>e^(−mean log-probability).</summary>
    public double Perplexity => Math.Exp(-LogProbability / Labels);
}

/// <summary>Loss and perplexity of a base and its adapter on the same rows, side by side.</summary>
public static class EvaluateRun
{
    /// <summary>Judges "base" and, where there is one, "adapter"; one is in memory at a time.</summary>
    /// <exception cref="DataException">A file or a row cannot be used.</exception>
    public static IReadOnlyList<JudgedModel> SideBySide(EvaluateRequest request, Device device, Action<string>? note = null, CancellationToken cancellation = default)
    {
        var results = new List<JudgedModel>();
        foreach (string? adapter in request.Adapter is null ? [null] : (string?[])[null, request.Adapter])
        {
            using var loaded = LoadedModel.Open(request.Model, adapter, device, note, cancellation);
            var settings = request.Data with { MaxLength = Math.Min(request.Data.MaxLength, loaded.Model.MaxPositions - loaded.Model.VirtualTokens) };
            var rows = RunData.LoadEvaluation(request.Files, settings, request.SkipBad, request.Strict, loaded.Text, sourceApart: loaded.Model is EncoderDecoder);
            using var session = new Session(device);
            var task = LanguageTask.Of(loaded.Model);
            string name = adapter is null ? "base" : "adapter";
            results.Add(request.Each
                ? Each(name, rows, batch => Evaluator.Judge(task, loaded.Model, session, [batch], cancellation).Loss)
                : new JudgedModel(name, Evaluator.Judge(task, loaded.Model, session, rows.Batches(request.BatchSize), cancellation).Loss));
        }
        return results;
    }

    private static JudgedModel Each(string name, EvaluationData rows, Func<IBatch, LossMean> judge)
    {
        var all = new LossMean();
        var each = new List<JudgedRow>();
        foreach (var batch in rows.Batches(1))
        {
            var loss = judge(batch);
            all.AddMean(loss.Mean, loss.Labels);
            each.Add(new JudgedRow(rows.Rows[each.Count].Line, loss.Labels, -loss.Mean * loss.Labels));
        }
        return new JudgedModel(name, all) { Rows = each };
    }
}
