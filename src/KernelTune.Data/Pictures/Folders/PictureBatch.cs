namespace KernelTune.Data.Pictures;

/// <summary>A micro-batch of pictures, ready to be uploaded.</summary>
public sealed class PictureBatch : IBatch
{
    public required int Rows { get; init; }

    public required int Channels { get; init; }

    public required int Height { get; init; }

    public required int Width { get; init; }

    /// <summary>As the model sees them, [Rows, Channels, Height, Width].</summary>
    public required float[] Pixels { get; init; }

    /// <summary>Classes, [Rows].</summary>
    public required int[] Labels { get; init; }

    public bool EndsEpoch { get; init; }

    /// <summary>Pictures.</summary>
    public int Items => Rows;

    /// <summary>Each picture has a label.</summary>
    public int LabelCount => Rows;

    /// <summary>The pictures of the given numbers.</summary>
    /// <param name="set">Where they are.</param>
    /// <param name="indices">Their numbers; at least one.</param>
    /// <param name="changed">Called with a picture's number, its samples and where changed ones go; null: nothing is changed.</param>
    /// <param name="endsEpoch">Whether the batch is its epoch's last.</param>
    /// <exception cref="DataException">More numbers than an array holds.</exception>
    internal static PictureBatch Of(PictureSet set, ReadOnlySpan<int> indices, Action<int, Picture, byte[]>? changed, bool endsEpoch)
    {
        int samples = Picture.Samples(set.Width, set.Height, set.Channels);
        if ((long)samples * indices.Length > Array.MaxLength)
            throw new DataException(set.Root, $"a batch of {indices.Length} pictures of {set.Height} × {set.Width} in {set.Channels} channels has {(long)samples * indices.Length} numbers, at most {Array.MaxLength} wanted: a smaller batch_size");
        var batch = new PictureBatch
        {
            Rows = indices.Length,
            Channels = set.Channels,
            Height = set.Height,
            Width = set.Width,
            Pixels = new float[samples * indices.Length],
            Labels = new int[indices.Length],
            EndsEpoch = endsEpoch,
        };
        byte[] scratch = changed is null ? [] : new byte[samples];
        for (int i = 0; i < indices.Length; i++)
        {
            Picture picture = set[indices[i]];
            changed?.Invoke(indices[i], picture, scratch);
            set.Processor.Normalize(changed is null ? picture.Pixels : scratch, batch.Pixels.AsSpan(i * samples, samples));
            batch.Labels[i] = set.Label(indices[i]);
        }

        return batch;
    }
}
