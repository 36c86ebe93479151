namespace KernelTune.Checkpoints;

/// <summary>ggml's Q4_K: 256 numbers d·s·q − m·n in sub-blocks of 32. 144 bytes: d, m (F16), 12 of 6-bit scales s and minima n, 128 of nibbles; 32 bytes hold two sub-blocks, the low one first.</summary>
internal sealed class Q4KFormat() : WeightFormat("Q4_K", null, Block256.Elements, 144)
{
    public override bool CanDecode => true;

    public override void Decode(ReadOnlySpan<byte> from, Span<float> into)
    {
        for (; into.Length >= 256; from = from[144..], into = into[256..])
        {
            float d = Block256.Half(from, 0), m = Block256.Half(from, 2);
            for (var sub = 0; sub < 8; sub++)
            {
                var (s, n) = Block256.ScaleMin(from.Slice(4, 12), sub);
                float scale = d * s, min = m * n;
                int first = 16 + (32 * (sub / 2)), shift = 4 * (sub % 2);
                for (var i = 0; i < 32; i++)
                    into[(32 * sub) + i] = (scale * ((from[first + i] >> shift) & 15)) - min;
            }
        }
    }
}
