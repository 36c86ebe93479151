namespace KernelTune.Data.Pictures;

/// <summary>An endless stream of micro-batches of pictures, shuffled and changed anew in each epoch. The last batch of an epoch may be smaller than the others.</summary>
public sealed class PictureBatches : IBatchStream
{
    private readonly PictureSet _set;
    private readonly int _batchSize;
    private readonly long _seed;
    private readonly PictureAugmentation? _augmentation;
    private readonly EpochCursor _cursor;

    /// <param name="set">The pictures.</param>
    /// <param name="batchSize">Pictures a micro-batch.</param>
    /// <param name="seed">Decides order and changes.</param>
    /// <param name="shuffles">False: the set's own order in every epoch.</param>
    /// <param name="augmentation">How pictures are changed; null: they are not.</param>
    /// <exception cref="ArgumentOutOfRangeException">A batch size below 1.</exception>
    public PictureBatches(PictureSet set, int batchSize, long seed, bool shuffles, PictureAugmentation? augmentation)
    {
        ArgumentNullException.ThrowIfNull(set);
        (_set, _batchSize, _seed, _cursor) = (set, batchSize, seed, new EpochCursor(set.Count, batchSize, shuffles ? seed : null));
        _augmentation = augmentation is null or { IsNone: true } ? null : augmentation;
    }

    public BatchState State => _cursor.State;

    public int BatchesPerEpoch => _cursor.BatchesPerEpoch;

    public void Restore(BatchState state) => _cursor.Restore(state);

    /// <summary>The next micro-batch.</summary>
    /// <exception cref="DataException">A picture that is not kept in memory can no longer be read.</exception>
    public PictureBatch Next()
    {
        long epoch = State.Epoch;
        ReadOnlySpan<int> numbers = _cursor.Next(out bool isLast);
        return PictureBatch.Of(_set, numbers, Changes(epoch), isLast);
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
