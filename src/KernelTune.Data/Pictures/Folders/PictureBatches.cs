namespace KernelTune.Data.Pictures;

/// <summary>An endless stream of micro-batches of pictures, shuffled and changed anew in each epoch. The last batch of an epoch may be smaller than the others.</summary>
public sealed class PictureBatches : IBatchStream
{
    private readonly PictureSet _set;
    private readonly int _batchSize;
    private readonly long _seed;
    private readonly bool _shuffles;
    private readonly PictureAugmentation? _augmentation;
    private int[]? _order;
    private long _orderEpoch = -1;

    /// <param name="set">The pictures.</param>
    /// <param name="batchSize">Pictures a micro-batch.</param>
    /// <param name="seed">Decides order and changes.</param>
    /// <param name="shuffles">False: the set's own order in every epoch.</param>
    /// <param name="augmentation">How pictures are changed; null: they are not.</param>
    /// <exception cref="ArgumentOutOfRangeException">A batch size below 1.</exception>
    public PictureBatches(PictureSet set, int batchSize, long seed, bool shuffles, PictureAugmentation? augmentation)
    {
        ArgumentNullException.ThrowIfNull(set);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        (_set, _batchSize, _seed, _shuffles) = (set, batchSize, seed, shuffles);
        _augmentation = augmentation is null or { IsNone: true } ? null : augmentation;
    }

    public BatchState State { get; private set; }

    public int BatchesPerEpoch => (_set.Count + _batchSize - 1) / _batchSize;

    public void Restore(BatchState state)
    {
        if (state.Epoch < 0 || state.Position < 0 || state.Position >= _set.Count || state.Position % _batchSize != 0)
            throw new ArgumentOutOfRangeException(nameof(state), $"epoch {state.Epoch}, picture {state.Position} was found; a picture below {_set.Count} that begins a batch of {_batchSize} wanted");
        State = state;
    }

    /// <summary>The next micro-batch.</summary>
    /// <exception cref="DataException">A picture that is not kept in memory can no longer be read.</exception>
    public PictureBatch Next()
    {
        (long epoch, int start) = (State.Epoch, (int)State.Position);
        int end = Math.Min(start + _batchSize, _set.Count);
        if (_shuffles && (_order is null || _orderEpoch != epoch)) (_order, _orderEpoch) = (SeededOrder.Permutation(_set.Count, _seed, epoch), epoch);
        var indices = new int[end - start];
        for (int i = start; i < end; i++) indices[i - start] = _shuffles ? _order![i] : i;
        bool last = end == _set.Count;
        PictureBatch batch = PictureBatch.Of(_set, indices, Changes(epoch), last);
        State = last ? new BatchState(epoch + 1, 0) : new BatchState(epoch, end);
        return batch;
    }

    /// <summary>All pictures are of one size: a full batch.</summary>
    public PictureBatch Largest() => PictureBatch.Of(_set, FirstOf(Math.Min(_batchSize, _set.Count)), null, false);

    IBatch IBatchStream.Next() => Next();

    IBatch IBatchStream.Largest() => Largest();

    internal static int[] FirstOf(int count)
    {
        var indices = new int[count];
        for (int i = 0; i < count; i++) indices[i] = i;
        return indices;
    }

    private Action<int, Picture, byte[]>? Changes(long epoch) => _augmentation is not { } augmentation
        ? null
        : (index, picture, into) => PictureAugmentation.Apply(picture, augmentation.DrawFor(_seed, epoch, index), into);
}
