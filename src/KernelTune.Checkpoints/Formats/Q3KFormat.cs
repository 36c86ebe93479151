namespace KernelTune.Checkpoints;

/// <summary>
/// ggml's Q3_K: 256 numbers d·(s − 32)·(q − 4) in sub-blocks of 16. 110 bytes: 32 of third bits, 64 of the two low bits as in Q2_K, 12 of 6-bit scales (16 low nibbles, then
/// the high pairs), d (F16).
/// </summary>
internal sealed class Q3KFormat() : WeightFormat("Q3_K", null, Block256.Elements, 110)
{
    public override bool CanDecode => true;

    public override void Decode(ReadOnlySpan<byte> from, Span<float> into)
    {
        for (; into.Length >= 256; from = from[110..], into = into[256..])
        {
            var d = Block256.Half(from, 108);
            for (var sub = 0; sub < 16; sub++)
            {
                var low = sub < 8 ? from[96 + sub] & 15 : from[88 + sub] >> 4;
                var high = (from[104 + (sub % 4)] >> (2 * (sub / 4))) & 3;
                var scale = d * ((low | (high << 4)) - 32);
                int at = 16 * sub, plane = at / 32, shift = 2 * (plane % 4), first = 32 + (32 * (at / 128)) + (at % 32);
                for (var i = 0; i < 16; i++)
                {
                    var q = ((from[first + i] >> shift) & 3) - (((from[(at % 32) + i] >> plane) & 1) != 0 ? 0 : 4);
                    into[at + i] = scale * q;
                }
            }
        }
    }
}
