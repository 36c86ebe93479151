namespace KernelTune.Kernels.Numerics;

/// <summary>
/// Block-wise quantisation as bitsandbytes does it: blocks run over the flattened tensor, across rows; each is divided by its greatest magnitude, and each number takes the nearest level
/// of a table, split at the float midpoints (a number on a midpoint takes the lower level).
/// </summary>
public sealed class BlockQuantizer
{
    private readonly float[] levels;
    private readonly float[] midpoints;
    private readonly byte[] codes;

    /// <param name="table">The level of each code, in any order. Of equal levels the lowest code is used.</param>
    public BlockQuantizer(ReadOnlySpan<float> table)
    {
        levels = table.ToArray();
        int[] order = [.. Enumerable.Range(0, levels.Length).OrderBy(c => levels[c]).ThenBy(c => c)];
        // bitsandbytes' 8-bit tables may hold a level twice; the midpoint between equals is the level itself, which goes to the lower code.
        midpoints = new float[levels.Length - 1];
        codes = new byte[levels.Length];
        for (int i = 0; i < levels.Length; i++)
        {
            codes[i] = (byte)order[i];
            if (i > 0)
                midpoints[i - 1] = (levels[order[i - 1]] + levels[order[i]]) / 2;
        }
    }

    /// <summary>The level of each code.</summary>
    public ReadOnlySpan<float> Levels => levels;

    /// <summary>The code nearest to a number in [−1, 1].</summary>
    public byte Nearest(float x)
    {
        int low = 0, high = midpoints.Length;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (midpoints[middle] < x)
                low = middle + 1;
            else
                high = middle;
        }
        return codes[low];
    }

    /// <summary>One code a number, one magnitude a block.</summary>
    /// <param name="x">The numbers.</param>
    /// <param name="blockSize">Numbers a block; the last may be short.</param>
    /// <param name="into">As many as numbers.</param>
    /// <param name="absmax">As many as blocks.</param>
    /// <param name="shortDivides">Whether the short last block is divided by its magnitude rather than multiplied by its reciprocal: 4-bit codes do.</param>
    public void Quantize(ReadOnlySpan<float> x, int blockSize, Span<byte> into, Span<float> absmax, bool shortDivides = false)
    {
        for (int block = 0, at = 0; at < x.Length; block++, at += blockSize)
        {
            var part = x.Slice(at, Math.Min(blockSize, x.Length - at));
            float most = 0;
            foreach (float v in part)
                most = Math.Max(most, Math.Abs(v));
            absmax[block] = most;
            float inverse = most == 0 ? 0 : 1 / most;
            bool divides = shortDivides && part.Length < blockSize && most != 0;
            for (int i = 0; i < part.Length; i++)
                into[at + i] = Nearest(Math.Clamp(divides ? part[i] / most : part[i] * inverse, -1, 1));
        }
    }

    /// <summary>The numbers that codes stand for: level · magnitude of the block.</summary>
    public void Dequantize(ReadOnlySpan<byte> from, int blockSize, ReadOnlySpan<float> absmax, Span<float> into)
    {
        for (int i = 0; i < from.Length; i++)
            into[i] = levels[from[i]] * absmax[i / blockSize];
    }

    /// <summary>Two 4-bit codes a byte, the first in the high half; behind an odd last one stands the code of 0.</summary>
    public void PackNibbles(ReadOnlySpan<byte> from, Span<byte> into)
    {
        byte zero = Nearest(0);
        for (int i = 0; i < from.Length; i += 2)
            into[i / 2] = (byte)((from[i] << 4) | (i + 1 < from.Length ? from[i + 1] : zero));
    }

    /// <summary>The codes of <see cref="PackNibbles"/>, from number <paramref name="first"/> on.</summary>
    public static void UnpackNibbles(ReadOnlySpan<byte> from, long first, Span<byte> into)
    {
        for (int i = 0; i < into.Length; i++)
        {
            long at = first + i;
            into[i] = (byte)((at & 1) == 0 ? from[(int)(at >> 1)] >> 4 : from[(int)(at >> 1)] & 15);
        }
    }
}
