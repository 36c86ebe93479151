namespace KernelTune.Checkpoints;

/// <summary>ggml's Q5_K: Q4_K with a fifth bit. 176 bytes: d, m (F16), 12 of scales and minima, 32 of fifth bits (bit j of byte i is that of number 32j + i), 128 of nibbles.</summary>
internal sealed class Q5KFormat() : WeightFormat("Q5_K", null, Block256.Elements, 176)
{
    public override bool CanDecode => true;

    public override void Decode(ReadOnlySpan<byte> from, Span<float> into)
    {
        for (; into.Length >= 256; from = from[176..], into = into[256..])
        {
            float d = Block256.Half(from, 0), m = Block256.Half(from, 2);
            for (var sub = 0; sub < 8; sub++)
            {
                var (s, n) = Block256.ScaleMin(from.Slice(4, 12), sub);
                float scale = d * s, min = m * n;
                int first = 48 + (32 * (sub / 2)), shift = 4 * (sub % 2);
                for (var i = 0; i < 32; i++)
                    into[(32 * sub) + i] = (scale * (((from[first + i] >> shift) & 15) | (((from[16 + i] >> sub) & 1) << 4))) - min;
            }
        }
    }
}
