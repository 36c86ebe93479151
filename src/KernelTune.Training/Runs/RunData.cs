using KernelTune.Data;
using KernelTune.Training.Recipes;

namespace KernelTune.Training.Runs;

/// <summary>A recipe's <c>data</c> block as the data library takes it.</summary>
public static class RunData
{
    /// <summary>Reads and tokenizes the training and validation rows.</summary>
    /// <exception cref="DataException">A file or a row cannot be used.</exception>
    public static TrainingData Load(RunRequest request, TextTools text)
    {
        var (data, training) = (request.Recipe.Data, request.Recipe.Training);
        return TrainingData.Load(new TrainingDataOptions
        {
            Train = [.. data.Train.Select(File)],
            Validation = [.. data.Validation.Select(File)],
            ValidationShare = data.ValidationShare,
            Rows = Range(data.Rows),
            Format = Format(data.Format),
            MaxLength = data.MaxLength,
            LossOn = Loss(data.LossOn),
            Packing = data.Packing ? Packing.BestFit : Packing.None,
            Shuffle = data.Shuffle,
            Seed = training.Seed,
            BatchSize = training.BatchSize,
            SkipBad = request.SkipBad,
            Strict = request.Strict,
        }, text.Encoder, text.Template);
    }

    /// <summary>Reads and tokenizes rows that are only judged.</summary>
    public static EvaluationData LoadEvaluation(IReadOnlyList<DataSource> files, DataSettings data, bool skipBad, bool strict, TextTools text) =>
        EvaluationData.Load([.. files.Select(File)], new RowOptions
        {
            Format = Format(data.Format),
            MaxLength = data.MaxLength,
            LossOn = Loss(data.LossOn),
            SkipBad = skipBad,
            Strict = strict,
        }, text.Encoder, text.Template);

    private static DataFile File(DataSource source) => new(source.Path, source.Weight, Range(source.Rows));

    private static ExampleRange? Range(RowRange? rows) => rows is { } r ? new ExampleRange(r.Begin, r.End) : null;

    private static ExampleFormat Format(DataFormat format) => format switch
    {
        DataFormat.Messages => ExampleFormat.Messages,
        DataFormat.PromptCompletion => ExampleFormat.PromptCompletion,
        DataFormat.Text => ExampleFormat.Text,
        _ => ExampleFormat.Auto,
    };

    private static LossTokens Loss(LossOn lossOn) => lossOn switch
    {
        LossOn.Assistant => LossTokens.Assistant,
        LossOn.Completion => LossTokens.Completion,
        LossOn.All => LossTokens.All,
        _ => LossTokens.Default,
    };
}
