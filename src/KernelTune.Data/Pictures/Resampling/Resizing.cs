namespace KernelTune.Data.Pictures;

/// <summary>
/// Resizing with the results of Pillow, byte for byte: models were trained on what it makes, and another rounding is another picture. Two passes of fixed-point sums with an 8-bit
/// picture between them; a pass that changes nothing is left out.
/// </summary>
public static class Resizing
{
    /// <summary>The picture, [height, width].</summary>
    /// <param name="source">Grey, RGB, or either with alpha: colours are then weighed by alpha (not by the nearest filter, which mixes none).</param>
    /// <param name="width">Columns wanted.</param>
    /// <param name="height">Rows wanted.</param>
    /// <param name="filter">How pixels are weighed.</param>
    /// <param name="box">Only this part of the source; null: all of it.</param>
    /// <param name="reducingGap">
    /// The source is first reduced by whole factors to about this many times the size wanted, at least 1; null: it is not. Ignored for nearest and where there is alpha, as in Pillow.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1, a box that is empty or leaves the picture, a gap below 1.</exception>
    public static Picture Resize(Picture source, int width, int height, ResampleFilter filter, PictureBox? box = null, double? reducingGap = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        _ = Picture.Samples(width, height, source.Channels);
        if (reducingGap is < 1) throw new ArgumentOutOfRangeException(nameof(reducingGap), $"a gap of {reducingGap} was found, at least 1 wanted");
        PictureBox part = box ?? PictureBox.Of(source);
        if (!(part.Left >= 0 && part.Top >= 0 && part.Right <= source.Width && part.Bottom <= source.Height && part.Width > 0 && part.Height > 0))
            throw new ArgumentOutOfRangeException(nameof(box), $"the box {part} was found, one within {source.Width} × {source.Height} wanted");
        if (width == source.Width && height == source.Height && part == PictureBox.Of(source)) return new Picture(width, height, source.Channels, (byte[])source.Pixels.Clone());
        if (filter == ResampleFilter.Nearest) return Nearest(source, width, height, part);
        if (source.HasAlpha)
        {
            Picture mixed = Filtered(PremultipliedAlpha.Multiply(source), width, height, filter, part);
            PremultipliedAlpha.Divide(mixed);
            return mixed;
        }

        if (reducingGap is { } gap) (source, part) = Reduced(source, width, height, filter, part, gap);
        return Filtered(source, width, height, filter, part);
    }

    /// <summary>The size whose shorter edge is <paramref name="edge"/>; the other one keeps the proportions, truncated.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The other edge would be longer than any picture's.</exception>
    public static (int Width, int Height) ShortestEdge(int width, int height, int edge)
    {
        (long w, long h) = ProportionalSize(width, height, edge);
        return Math.Max(w, h) <= int.MaxValue ? ((int)w, (int)h) : throw new ArgumentOutOfRangeException(nameof(edge), $"a shorter edge of {edge} makes {w} × {h} of {width} × {height}");
    }

    /// <summary>The same in 64 bits: of any picture and edge there is a size, if not a picture.</summary>
    internal static (long Width, long Height) ProportionalSize(int width, int height, int edge) => width <= height
        ? (edge, Math.Max((long)edge * height / width, 1))
        : (Math.Max((long)edge * width / height, 1), edge);

    private static Picture Filtered(Picture source, int width, int height, ResampleFilter filter, PictureBox box)
    {
        var (left, top, right, bottom) = ((float)box.Left, (float)box.Top, (float)box.Right, (float)box.Bottom);
        bool horizontal = width != source.Width || left != 0 || right != width, vertical = height != source.Height || top != 0 || bottom != height;
        ResampleTaps rows = ResampleTaps.Of(filter, source.Height, top, bottom, height), columns = ResampleTaps.Of(filter, source.Width, left, right, width);
        if (vertical && VerticalFirst(right - left, bottom - top, width, height))
        {
            source = ResamplePasses.Vertical(source, rows, height, 0);
            return horizontal ? ResamplePasses.Horizontal(source, columns, width, 0, height) : source;
        }

        int firstRow = 0;
        if (horizontal)
        {
            firstRow = rows.First;
            source = ResamplePasses.Horizontal(source, columns, width, firstRow, rows.End - firstRow);
        }

        return vertical ? ResamplePasses.Vertical(source, rows, height, firstRow) : source;
    }

    /// <summary>
    /// Pillow 13 saves work by beginning with the columns where the height shrinks by far more pixels than the width. The 8-bit picture in between makes the order visible; the limit
    /// of twice as many is the one that agrees with every reference picture there is.
    /// </summary>
    private static bool VerticalFirst(float boxWidth, float boxHeight, int width, int height) =>
        height < boxHeight && boxHeight - height > 2 * (boxWidth - width);

    private static Picture Nearest(Picture source, int width, int height, PictureBox box)
    {
        int[] columns = NearestCells((float)box.Left, (float)box.Right, source.Width, width), rows = NearestCells((float)box.Top, (float)box.Bottom, source.Height, height);
        int channels = source.Channels;
        var result = new Picture(width, height, channels);
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<byte> from = source.Row(rows[y]);
            Span<byte> to = result.Row(y);
            for (int x = 0; x < width; x++) from.Slice(columns[x] * channels, channels).CopyTo(to[(x * channels)..]);
        }

        return result;
    }

    /// <summary>Positions are summed up and not multiplied out: their rounding decides which pixel is met.</summary>
    private static int[] NearestCells(float begin, float end, int cells, int output)
    {
        double step = (double)(end - begin) / output, at = begin + (step * 0.5);
        var result = new int[output];
        for (int i = 0; i < output; i++, at += step) result[i] = Math.Min((int)at, cells - 1);
        return result;
    }

    private static (Picture Source, PictureBox Box) Reduced(Picture source, int width, int height, ResampleFilter filter, PictureBox box, double gap)
    {
        double stepX = box.Width / width, stepY = box.Height / height;
        int factorX = Math.Max((int)(stepX / gap), 1), factorY = Math.Max((int)(stepY / gap), 1);
        if (factorX == 1 && factorY == 1) return (source, box);
        // The pixels that the filter will look at, rounded outwards.
        double support = ResampleWeights.Support(filter) - 0.5;
        int left = Math.Max(0, (int)(box.Left - (support * stepX))), top = Math.Max(0, (int)(box.Top - (support * stepY)));
        int right = Math.Min(source.Width, (int)Math.Ceiling(box.Right + (support * stepX))), bottom = Math.Min(source.Height, (int)Math.Ceiling(box.Bottom + (support * stepY)));
        return (Reduction.Reduce(source, factorX, factorY, left, top, right, bottom),
            new PictureBox((box.Left - left) / factorX, (box.Top - top) / factorY, (box.Right - left) / factorX, (box.Bottom - top) / factorY));
    }
}
