using System.Numerics;
using System.Runtime.CompilerServices;

namespace KernelTune.Data.Pictures;

/// <summary>
/// One pass along one axis: sums of products in 32-bit integers, rounded by half a unit, shifted and clipped to 0 … 255. Integers add up to the same in any order, so vectors change no sample.
/// </summary>
internal static class ResamplePasses
{
    private const int Half = 1 << (ResampleTaps.FractionBits - 1);

    /// <summary>Rows <paramref name="firstRow"/> … firstRow + rows − 1 of the source, each resampled to <paramref name="width"/> columns.</summary>
    public static Picture Horizontal(Picture source, ResampleTaps taps, int width, int firstRow, int rows)
    {
        int channels = source.Channels;
        var result = new Picture(width, rows, channels);
        for (int y = 0; y < rows; y++)
        {
            ReadOnlySpan<byte> from = source.Row(firstRow + y);
            Span<byte> to = result.Row(y);
            for (int x = 0; x < width; x++)
            {
                ReadOnlySpan<int> weights = taps.Weights.AsSpan(x * taps.Widest, taps.Counts[x]);
                ReadOnlySpan<byte> cells = from.Slice(taps.Starts[x] * channels, weights.Length * channels);
                Span<byte> pixel = to.Slice(x * channels, channels);
                if (channels == 3) Three(cells, weights, pixel);
                else Any(cells, weights, pixel);
            }
        }

        return result;
    }

    /// <summary>All columns resampled to <paramref name="height"/> rows. Row 0 of the source is row <paramref name="firstRow"/> of what the taps count.</summary>
    public static Picture Vertical(Picture source, ResampleTaps taps, int height, int firstRow)
    {
        int width = source.Width * source.Channels, step = Vector<byte>.Count;
        var result = new Picture(source.Width, height, source.Channels);
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<int> weights = taps.Weights.AsSpan(y * taps.Widest, taps.Counts[y]);
            ReadOnlySpan<byte> from = source.Pixels.AsSpan((taps.Starts[y] - firstRow) * width, weights.Length * width);
            Span<byte> to = result.Row(y);
            int x = 0;
            for (; x + step <= width; x += step) Columns(from[x..], width, weights, to.Slice(x, step));
            for (; x < width; x++)
            {
                int sum = Half;
                for (int k = 0, at = x; k < weights.Length; k++, at += width) sum += from[at] * weights[k];
                to[x] = Clipped(sum);
            }
        }

        return result;
    }

    private static void Three(ReadOnlySpan<byte> cells, ReadOnlySpan<int> weights, Span<byte> pixel)
    {
        int red = Half, green = Half, blue = Half;
        for (int k = 0, at = 0; k < weights.Length; k++, at += 3)
        {
            red += cells[at] * weights[k];
            green += cells[at + 1] * weights[k];
            blue += cells[at + 2] * weights[k];
        }

        (pixel[0], pixel[1], pixel[2]) = (Clipped(red), Clipped(green), Clipped(blue));
    }

    private static void Any(ReadOnlySpan<byte> cells, ReadOnlySpan<int> weights, Span<byte> pixel)
    {
        for (int c = 0; c < pixel.Length; c++)
        {
            int sum = Half;
            for (int k = 0, at = c; k < weights.Length; k++, at += pixel.Length) sum += cells[at] * weights[k];
            pixel[c] = Clipped(sum);
        }
    }

    /// <summary>As many columns as a vector has bytes, their four quarters summed beside each other.</summary>
    private static void Columns(ReadOnlySpan<byte> from, int width, ReadOnlySpan<int> weights, Span<byte> to)
    {
        Vector<int> a = new(Half), b = a, c = a, d = a;
        for (int k = 0; k < weights.Length; k++)
        {
            Vector.Widen(new Vector<byte>(from[(k * width)..]), out Vector<ushort> low, out Vector<ushort> high);
            Vector.Widen(low, out Vector<uint> first, out Vector<uint> second);
            Vector.Widen(high, out Vector<uint> third, out Vector<uint> fourth);
            var weight = new Vector<int>(weights[k]);
            a += Vector.AsVectorInt32(first) * weight;
            b += Vector.AsVectorInt32(second) * weight;
            c += Vector.AsVectorInt32(third) * weight;
            d += Vector.AsVectorInt32(fourth) * weight;
        }

        Vector<ushort> upper = Vector.Narrow(Clipped(a), Clipped(b)), lower = Vector.Narrow(Clipped(c), Clipped(d));
        Vector.Narrow(upper, lower).CopyTo(to);
    }

    private static Vector<uint> Clipped(Vector<int> sums) =>
        Vector.AsVectorUInt32(Vector.Min(Vector.Max(Vector.ShiftRightArithmetic(sums, ResampleTaps.FractionBits), Vector<int>.Zero), new Vector<int>(255)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte Clipped(int sum) => (byte)Math.Clamp(sum >> ResampleTaps.FractionBits, 0, 255);
}
