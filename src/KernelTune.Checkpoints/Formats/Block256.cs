using System.Buffers.Binary;

namespace KernelTune.Checkpoints;

/// <summary>What ggml's super-blocks of 256 numbers share: float16 scales, and sub-blocks' scales and minima packed into 6 bits.</summary>
internal static class Block256
{
    public const int Elements = 256;

    /// <summary>The float16 at <paramref name="offset"/> bytes into the block.</summary>
    public static float Half(ReadOnlySpan<byte> block, int offset) => (float)BinaryPrimitives.ReadHalfLittleEndian(block[offset..]);

    /// <summary>Scale and minimum of sub-block <paramref name="j"/> of 8, 6 bits each, out of 12 bytes (Q4_K and Q5_K).</summary>
    public static (int Scale, int Min) ScaleMin(ReadOnlySpan<byte> packed, int j) => j < 4
        ? (packed[j] & 63, packed[j + 4] & 63)
        : ((packed[j + 4] & 15) | (packed[j - 4] >> 6 << 4), (packed[j + 4] >> 4) | (packed[j] >> 6 << 4));

    /// <summary>To the nearest integer, halves away from zero: numpy's round is not what the gguf package uses.</summary>
    public static int Round(float x) => (int)MathF.Round(x, MidpointRounding.AwayFromZero);

    /// <summary>The largest magnitude.</summary>
    public static float Largest(ReadOnlySpan<float> block)
    {
        var largest = 0f;
        foreach (var x in block)
            largest = Math.Max(largest, Math.Abs(x));
        return largest;
    }
}
