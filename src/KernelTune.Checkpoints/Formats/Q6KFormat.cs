namespace KernelTune.Checkpoints;

/// <summary>
/// ggml's Q6_K: 256 numbers d·s·(q − 32) in sub-blocks of 16. 210 bytes: 128 of low nibbles, 64 of high pairs, 16 signed scales s, d (F16). In a half of 128 numbers, 64 bytes of nibbles
/// hold numbers 0…63 low and 64…127 high; byte l of the pairs holds those of l, l + 32, l + 64, l + 96.
/// </summary>
internal sealed class Q6KFormat() : WeightFormat("Q6_K", null, Block256.Elements, 210)
{
    public override bool CanDecode => true;

    public override void Decode(ReadOnlySpan<byte> from, Span<float> into)
    {
        for (; into.Length >= 256; from = from[210..], into = into[256..])
        {
            var d = Block256.Half(from, 208);
            for (var sub = 0; sub < 16; sub++)
            {
                var scale = d * (sbyte)from[192 + sub];
                int at = 16 * sub, half = at / 128, within = at % 128;
                int nibbles = (64 * half) + (within % 64), nibbleShift = 4 * (within / 64), pairs = 128 + (32 * half) + (within % 32), pairShift = 2 * (within / 32);
                for (var i = 0; i < 16; i++)
                {
                    var q = ((from[nibbles + i] >> nibbleShift) & 15) | (((from[pairs + i] >> pairShift) & 3) << 4);
                    into[at + i] = scale * (q - 32);
                }
            }
        }
    }
}
