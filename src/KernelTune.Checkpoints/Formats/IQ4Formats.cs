using System.Buffers.Binary;

namespace KernelTune.Checkpoints;

/// <summary>The 16 levels that IQ4_NL's and IQ4_XS's codes stand for (ggml, kvalues_iq4nl).</summary>
internal static class IQ4Levels
{
    private static ReadOnlySpan<sbyte> Levels => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    /// <summary>32 numbers from 16 bytes of nibbles, the low ones first.</summary>
    public static void Decode(ReadOnlySpan<byte> codes, float scale, Span<float> into)
    {
        for (var i = 0; i < 16; i++)
        {
            into[i] = scale * Levels[codes[i] & 15];
            into[i + 16] = scale * Levels[codes[i] >> 4];
        }
    }
}

/// <summary>ggml's IQ4_NL: 32 numbers d·level(q). 18 bytes: d (F16), 16 of nibbles.</summary>
internal sealed class IQ4NlFormat() : WeightFormat("IQ4_NL", null, Block32.Elements, 18)
{
    public override bool CanDecode => true;

    public override void Decode(ReadOnlySpan<byte> from, Span<float> into)
    {
        for (; into.Length >= 32; from = from[18..], into = into[32..])
            IQ4Levels.Decode(from.Slice(2, 16), Block256.Half(from, 0), into);
    }
}

/// <summary>ggml's IQ4_XS: 256 numbers d·(s − 32)·level(q) in sub-blocks of 32. 136 bytes: d (F16), the scales' high pairs, 4 of their low nibbles, 128 of nibbles.</summary>
internal sealed class IQ4XsFormat() : WeightFormat("IQ4_XS", null, Block256.Elements, 136)
{
    public override bool CanDecode => true;

    public override void Decode(ReadOnlySpan<byte> from, Span<float> into)
    {
        for (; into.Length >= 256; from = from[136..], into = into[256..])
        {
            var d = Block256.Half(from, 0);
            int high = BinaryPrimitives.ReadUInt16LittleEndian(from[2..]);
            for (var sub = 0; sub < 8; sub++)
            {
                var s = ((from[4 + (sub / 2)] >> (4 * (sub % 2))) & 15) | (((high >> (2 * sub)) & 3) << 4);
                IQ4Levels.Decode(from.Slice(8 + (16 * sub), 16), d * (s - 32), into[(32 * sub)..]);
            }
        }
    }
}
