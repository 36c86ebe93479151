using KernelTune.Data;
using KernelTune.Training.Recipes;

namespace KernelTune.Training.Runs;

/// <summary>A recipe's <c>data</c> block as the data library takes it.</summary>
public static class RunData
{
    /// <summary>Reads and tokenizes the rows to train, validate and test on.</summary>
    /// <exception cref="DataException">A file or a row cannot be used.</exception>
    public static TrainingData Load(RunRequest request, TextTools text)
    {
        var (data, training) = (request.Recipe.Data, request.Recipe.Training);
        return TrainingData.Load(new TrainingDataOptions
        {
            Train = data.Train,
            Validation = data.Validation,
            ValidationShare = data.ValidationShare,
            Test = data.Test,
            Rows = data.Rows,
            Format = data.Format,
            Columns = data.Columns,
            MaxLength = data.MaxLength,
            LossOn = data.LossOn,
            Packing = data.Packing ? Packing.BestFit : Packing.None,
            Shuffle = data.Shuffle,
            Seed = training.Seed,
            BatchSize = training.BatchSize,
            SourceApart = request.Recipe.Task == TaskKind.Seq2SeqLm,
            SkipBad = request.SkipBad,
            Strict = request.Strict,
        }, text.Encoder, text.Template);
    }

    /// <summary>Reads and tokenizes rows that are only judged; with sources apart for an encoder-decoder.</summary>
    public static EvaluationData LoadEvaluation(IReadOnlyList<DataFile> files, DataSettings data, bool skipBad, bool strict, TextTools text, bool sourceApart = false) =>
        EvaluationData.Load(files, new RowOptions
        {
            Format = data.Format,
            Columns = data.Columns,
            MaxLength = data.MaxLength,
            LossOn = data.LossOn,
            SourceApart = sourceApart,
            SkipBad = skipBad,
            Strict = strict,
        }, text.Encoder, text.Template);
}
