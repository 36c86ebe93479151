namespace KernelTune.Data.Pictures;

/// <summary>
/// Pictures to a model's input in two halves: <see cref="Prepare"/> converts, resizes and crops 8-bit samples (this half can be kept in memory), <see cref="Values"/> rescales and
/// normalises them.
/// </summary>
public sealed class PictureProcessor
{
    private const int WarpFrom = 384;       // ConvNeXT: from this edge on, pictures are warped and not cropped

    private readonly float[] _values;

    /// <param name="settings">What is done.</param>
    /// <param name="channels">The model's input channels: 3 RGB, 1 grey.</param>
    /// <exception cref="ArgumentException">Mean and Std fit neither one channel nor all of them.</exception>
    public PictureProcessor(PictureProcessorSettings settings, int channels = 3)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (channels is not (1 or 3)) throw new ArgumentException($"{channels} channels were found, 1 or 3 wanted", nameof(channels));
        if ((settings.DoNormalize || settings.DividesTwice) && channels != 1)
        {
            foreach (int count in (int[])[settings.Mean.Count, settings.Std.Count])
                if (count != 1 && count != channels)
                    throw new ArgumentException($"{settings.Mean.Count} means and {settings.Std.Count} deviations were found, 1 or {channels} of each wanted", nameof(settings));
        }

        (Settings, Channels) = (settings, channels);
        _values = new float[channels * 256];
        for (int c = 0; c < channels; c++)
            for (int v = 0; v < 256; v++) _values[(c * 256) + v] = (float)Value(v, c);
    }

    public PictureProcessorSettings Settings { get; }

    public int Channels { get; }

    /// <summary>The picture in the model's channels, resized and cropped.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="name">What errors call it: its file.</param>
    /// <param name="limits">How large it may become; null: the usual.</param>
    /// <exception cref="DataException">Resized it would have more pixels than the limits: a long thin one whose shorter edge is enlarged.</exception>
    public Picture Prepare(Picture picture, string name = "the picture", PictureLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (Settings.DoResize)
        {
            (long columns, long rows) = Resizes(picture);
            long most = (limits ?? PictureLimits.Default).MostKept;
            if (columns > most / rows) throw new DataException(name, $"a picture of {picture.Width} × {picture.Height} pixels would be resized to {columns} × {rows}, at most {most} pixels wanted");
        }

        if (Settings.DoConvertRgb) picture = picture.ToRgbOnWhite();
        picture = Channels == 3 ? picture.ToRgb() : picture.ToGrey();
        if (Settings.DoResize) picture = Resized(picture);
        return Settings is { DoCenterCrop: true, CropHeight: { } height, CropWidth: { } width } ? Pictures.Cropping.Center(picture, height, width) : picture;
    }

    /// <summary>What the model sees where channel <paramref name="channel"/> has the sample v, for all v: 256 numbers.</summary>
    public ReadOnlySpan<float> Values(int channel) => _values.AsSpan(channel * 256, 256);

    /// <summary>Samples [H, W, C] as the model sees them, [C, H, W].</summary>
    /// <exception cref="ArgumentException">The channels are not the model's, or the span is not as long as the picture.</exception>
    public void Normalize(Picture picture, Span<float> into)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (picture.Channels != Channels) throw new ArgumentException($"{picture.Channels} channels were found, {Channels} wanted", nameof(picture));
        Normalize(picture.Pixels, into);
    }

    internal void Normalize(ReadOnlySpan<byte> samples, Span<float> into)
    {
        if (into.Length != samples.Length) throw new ArgumentException($"{into.Length} places were found, {samples.Length} wanted", nameof(into));
        int plane = samples.Length / Channels;
        for (int c = 0; c < Channels; c++)
        {
            ReadOnlySpan<float> values = Values(c);
            Span<float> to = into.Slice(c * plane, plane);
            for (int i = 0, at = c; i < to.Length; i++, at += Channels) to[i] = values[samples[at]];
        }
    }

    private Picture Resized(Picture picture)
    {
        (long width, long height) = Resizes(picture);
        Picture resized = Resizing.Resize(picture, (int)width, (int)height, Settings.Resample);
        return Settings is { CropPct: not null, ShortestEdge: < WarpFrom and var square } ? Pictures.Cropping.Center(resized, square, square) : resized;
    }

    /// <summary>The size that a picture is resized to, before any crop.</summary>
    private (long Width, long Height) Resizes(Picture picture) => Settings switch
    {
        { CropPct: not null, ShortestEdge: >= WarpFrom and var square } => (square, square),
        { CropPct: { } pct, ShortestEdge: { } square } => Resizing.ProportionalSize(picture.Width, picture.Height, (int)(square / pct)),
        { ShortestEdge: { } edge } => Resizing.ProportionalSize(picture.Width, picture.Height, edge),
        _ => (Settings.Width!.Value, Settings.Height!.Value),
    };

    private double Value(int sample, int channel)
    {
        double x = sample;
        if (Settings.DoRescale) x *= Settings.RescaleFactor;
        if (Settings.RescaleOffset) x -= 1;
        if (Settings.DoNormalize) x = (x - Of(Settings.Mean, channel)) / Of(Settings.Std, channel);
        return Settings.DividesTwice ? x / Of(Settings.Std, channel) : x;
    }

    /// <summary>A grey model whose file lists three numbers uses their first.</summary>
    private static double Of(IReadOnlyList<double> numbers, int channel) => numbers.Count == 1 ? numbers[0] : numbers[channel];
}
