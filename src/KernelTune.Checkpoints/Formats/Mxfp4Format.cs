namespace KernelTune.Checkpoints;

/// <summary>
/// MXFP4 (OCP Microscaling Formats 1.0, 2023) as ggml stores it: 32 numbers 2^(e − 128)·level(q), levels twice E2M1's. 17 bytes: e, 16 of nibbles, the low ones first.
/// </summary>
internal sealed class Mxfp4Format() : WeightFormat("MXFP4", null, Block32.Elements, 17)
{
    private static ReadOnlySpan<sbyte> Levels => [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

    public override bool CanDecode => true;

    public override bool CanEncode => true;

    public override void Decode(ReadOnlySpan<byte> from, Span<float> into)
    {
        for (; into.Length >= 32; from = from[17..], into = into[32..])
        {
            var d = Scale(from[0]);
            for (var i = 0; i < 16; i++)
            {
                into[i] = d * Levels[from[1 + i] & 15];
                into[i + 16] = d * Levels[from[1 + i] >> 4];
            }
        }
    }

    /// <summary>The exponent of the largest magnitude less E2M1's greatest exponent; each number to the nearest level, the lower code of equals.</summary>
    public override void Encode(ReadOnlySpan<float> from, Span<byte> into)
    {
        for (; from.Length >= 32; from = from[32..], into = into[17..])
        {
            var largest = Block256.Largest(from[..32]);
            into[0] = largest > 0 ? (byte)((int)MathF.Floor(MathF.Log2(largest)) - 2 + 127) : (byte)0;
            var d = Scale(into[0]);
            for (var i = 0; i < 16; i++)
                into[1 + i] = (byte)(Nearest(from[i], d) | (Nearest(from[i + 16], d) << 4));
        }
    }

    private static float Scale(byte e) => BitConverter.UInt32BitsToSingle(e < 2 ? 0x00200000u << e : (uint)(e - 1) << 23);

    private static int Nearest(float x, float d)
    {
        var best = 0;
        for (var code = 1; code < 16; code++)
        {
            if (Math.Abs((d * Levels[code]) - x) < Math.Abs((d * Levels[best]) - x))
                best = code;
        }

        return best;
    }
}
