namespace KernelTune.Data;

/// <summary>Where a stream of batches stands: the next batch begins at example Position of the epoch's order.</summary>
/// <param name="Epoch">Epochs begun, from 0.</param>
/// <param name="Position">Examples of this epoch already given out.</param>
public readonly record struct BatchState(long Epoch, long Position);

/// <summary>
/// Which examples make the next micro-batch, epoch after epoch. The order depends on the seed and the epoch alone, so a state that was saved continues with exactly the batches that would have
/// followed. The last batch of an epoch may be shorter than the others.
/// </summary>
internal sealed class EpochCursor
{
    private readonly int _count;
    private readonly int _batchSize;
    private readonly long? _seed;
    private readonly int[] _batch;
    private int[]? _order;
    private long _orderEpoch = -1;

    /// <param name="count">Examples of an epoch.</param>
    /// <param name="batchSize">Examples of a micro-batch.</param>
    /// <param name="seed">Shuffles each epoch anew; null: the examples' own order in every epoch.</param>
    /// <exception cref="ArgumentOutOfRangeException">No examples, or a batch size below 1.</exception>
    public EpochCursor(int count, int batchSize, long? seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        (_count, _batchSize, _seed, _batch) = (count, batchSize, seed, new int[Math.Min(count, batchSize)]);
    }

    public BatchState State { get; private set; }

    public int BatchesPerEpoch => (int)(((long)_count + _batchSize - 1) / _batchSize);

    /// <summary>Continues from a state that was saved.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The state is not one of this stream: the examples or the batch size were others.</exception>
    public void Restore(BatchState state)
    {
        if (state.Epoch < 0 || state.Position < 0 || state.Position >= _count || state.Position % _batchSize != 0)
            throw new ArgumentOutOfRangeException(nameof(state), $"epoch {state.Epoch}, example {state.Position} was found; an example below {_count} that begins a batch of {_batchSize} wanted");
        State = state;
    }

    /// <summary>The numbers of the next micro-batch's examples, which hold until the next call.</summary>
    /// <param name="isLast">Whether the batch is its epoch's last.</param>
    public ReadOnlySpan<int> Next(out bool isLast)
    {
        int start = (int)State.Position, length = Math.Min(_batchSize, _count - start);
        if (_seed is { } seed && (_order is null || _orderEpoch != State.Epoch)) (_order, _orderEpoch) = (SeededOrder.Permutation(_count, seed, State.Epoch), State.Epoch);
        for (int i = 0; i < length; i++) _batch[i] = _order is null ? start + i : _order[start + i];
        isLast = start + length == _count;
        State = isLast ? new BatchState(State.Epoch + 1, 0) : new BatchState(State.Epoch, start + length);
        return _batch.AsSpan(0, length);
    }
}
