namespace KernelTune.Data;

/// <summary>
/// An endless stream of micro-batches over rows, epoch after epoch, in the order of an <see cref="EpochCursor"/>.
/// </summary>
public sealed class TrainingBatches : IBatchStream
{
    private readonly IReadOnlyList<TokenRow> _rows;
    private readonly SftCollator _collator;
    private readonly int _batchSize;
    private readonly bool _shuffles;
    private readonly EpochCursor _cursor;

    /// <param name="rows">The rows; at least one.</param>
    /// <param name="collator">Makes batches of them.</param>
    /// <param name="batchSize">Rows a micro-batch.</param>
    /// <param name="shuffleSeed">Null: the rows' own order in every epoch.</param>
    /// <exception cref="ArgumentException">No rows.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A batch size below 1.</exception>
    public TrainingBatches(IReadOnlyList<TokenRow> rows, SftCollator collator, int batchSize, long? shuffleSeed)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0) throw new ArgumentException("no rows to train on", nameof(rows));
        (_rows, _collator, _batchSize, _shuffles) = (rows, collator, batchSize, shuffleSeed is not null);
        _cursor = new EpochCursor(rows.Count, batchSize, shuffleSeed);
    }

    /// <summary>Where the stream stands; saved with a checkpoint.</summary>
    public BatchState State => _cursor.State;

    public int BatchSize => _batchSize;

    public int RowsPerEpoch => _rows.Count;

    public int BatchesPerEpoch => _cursor.BatchesPerEpoch;

    /// <summary>Continues from a state that was saved.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The state is not one of this stream: the rows or the batch size were others.</exception>
    public void Restore(BatchState state) => _cursor.Restore(state);

    /// <summary>The next micro-batch.</summary>
    public Batch Next()
    {
        ReadOnlySpan<int> numbers = _cursor.Next(out bool isLast);
        var rows = new TokenRow[numbers.Length];
        for (int i = 0; i < rows.Length; i++) rows[i] = _rows[numbers[i]];
        return _collator.Collate(rows, isLast);
    }

    /// <summary>All rows once, in their own order, without touching the stream: what an evaluation walks.</summary>
    public IEnumerable<Batch> InOrder()
    {
        for (int start = 0; start < _rows.Count; start += _batchSize)
        {
            int end = Math.Min(start + _batchSize, _rows.Count);
            var rows = new TokenRow[end - start];
            for (int i = start; i < end; i++) rows[i - start] = _rows[i];
            yield return _collator.Collate(rows, end == _rows.Count);
        }
    }

    /// <summary>
    /// The micro-batch that needs the most memory: without shuffling the largest that occurs, with it the longest rows together, which is a bound for all epochs.
    /// </summary>
    public Batch Largest()
    {
        if (_shuffles) return _collator.Collate(Longest());
        Batch? largest = null;
        foreach (Batch batch in InOrder())
            if (largest is null || (long)batch.Rows * batch.Columns > (long)largest.Rows * largest.Columns) largest = batch;
        return largest!;
    }

    /// <summary>The longest rows; the longest sources need not be theirs, and are put together with them.</summary>
    private TokenRow[] Longest()
    {
        TokenRow[] rows = Longest(r => r.Ids.Length);
        if (rows[0].Source is null) return rows;
        TokenRow[] sources = Longest(r => r.Source!.Length);
        return [.. rows.Select((row, i) => row with { Source = sources[i].Source })];
    }

    /// <summary>The rows of the greatest lengths, no more of them in memory than a batch has.</summary>
    private TokenRow[] Longest(Func<TokenRow, int> length)
    {
        var longest = new PriorityQueue<TokenRow, (int Length, int Order)>(Math.Min(_batchSize, _rows.Count) + 1);
        for (int i = 0; i < _rows.Count; i++)
        {
            TokenRow row = _rows[i];
            longest.Enqueue(row, (length(row), -i));
            if (longest.Count > _batchSize) longest.Dequeue();
        }

        var rows = new TokenRow[longest.Count];
        for (int i = rows.Length - 1; i >= 0; i--) rows[i] = longest.Dequeue();
        return rows;
    }

    IBatch IBatchStream.Next() => Next();

    IBatch IBatchStream.Largest() => Largest();
}
