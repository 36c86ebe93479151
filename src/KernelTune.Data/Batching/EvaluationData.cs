using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>Rows that are looked at and not learned from: validation and test.</summary>
public sealed class EvaluationData : IEvaluationData
{
    private readonly SftCollator _collator;

    internal EvaluationData(IReadOnlyList<TokenRow> rows, RowOptions options, int padTokenId, SplitReport report)
    {
        (Rows, Report) = (rows, report);
        _collator = new SftCollator { PadTokenId = padTokenId, PadToMultipleOf = options.PadToMultipleOf, ReturnPositionIds = true };
    }

    public IReadOnlyList<TokenRow> Rows { get; }

    /// <summary>What is to be known of the rows.</summary>
    public SplitReport Report { get; }

    /// <summary>The rows of files, one after the other; weights do not count.</summary>
    /// <exception cref="DataException">A file or a row cannot be used, or nothing is left.</exception>
    public static EvaluationData Load(IReadOnlyList<DataFile> files, RowOptions options, ITextEncoder encoder, ChatTemplate? template) =>
        Load("data", files, options, encoder, template, null);

    /// <summary>The same, compared with what training rows hold.</summary>
    internal static EvaluationData Load(string name, IReadOnlyList<DataFile> files, RowOptions options, ITextEncoder encoder, ChatTemplate? template, IReadOnlySet<UInt128>? train)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(encoder);
        var loader = new RowLoader(options, encoder, template);
        RowStore rows = loader.Load(files, null);
        return new EvaluationData(rows, options, encoder.PadTokenId, loader.Facts.Report(name, null, loader.Accounts, train));
    }

    /// <summary>All rows once, in the files' order, padded on the right.</summary>
    public IEnumerable<Batch> Batches(int batchSize) => new TrainingBatches(Rows, _collator, batchSize, null).InOrder();

    int IEvaluationData.Count => Rows.Count;

    IEnumerable<IBatch> IEvaluationData.Batches(int batchSize) => Batches(batchSize);

    IBatch IEvaluationData.Largest(int batchSize) => Largest(batchSize);

    /// <summary>The batch that needs the most memory.</summary>
    public Batch Largest(int batchSize) => new TrainingBatches(Rows, _collator, batchSize, null).Largest();
}
