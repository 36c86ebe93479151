using System.Runtime.CompilerServices;

namespace KernelTune.Data.Pictures;

/// <summary>One pass along one axis: sums of products in 32-bit integers, rounded by half a unit, shifted and clipped to 0 … 255.</summary>
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
                ReadOnlySpan<byte> cells = from[(taps.Starts[x] * channels)..];
                for (int c = 0; c < channels; c++)
                {
                    int sum = Half;
                    for (int k = 0, at = c; k < weights.Length; k++, at += channels) sum += cells[at] * weights[k];
                    to[(x * channels) + c] = Clipped(sum);
                }
            }
        }

        return result;
    }

    /// <summary>All columns resampled to <paramref name="height"/> rows. Row 0 of the source is row <paramref name="firstRow"/> of what the taps count.</summary>
    public static Picture Vertical(Picture source, ResampleTaps taps, int height, int firstRow)
    {
        var result = new Picture(source.Width, height, source.Channels);
        var sums = new int[source.Width * source.Channels];
        for (int y = 0; y < height; y++)
        {
            sums.AsSpan().Fill(Half);
            for (int k = 0; k < taps.Counts[y]; k++)
            {
                ReadOnlySpan<byte> from = source.Row(taps.Starts[y] - firstRow + k);
                int weight = taps.Weights[(y * taps.Widest) + k];
                for (int i = 0; i < sums.Length; i++) sums[i] += from[i] * weight;
            }

            Span<byte> to = result.Row(y);
            for (int i = 0; i < sums.Length; i++) to[i] = Clipped(sums[i]);
        }

        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte Clipped(int sum) => (byte)Math.Clamp(sum >> ResampleTaps.FractionBits, 0, 255);
}
