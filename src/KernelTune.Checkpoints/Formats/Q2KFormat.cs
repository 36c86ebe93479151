namespace KernelTune.Checkpoints;

/// <summary>
/// ggml's Q2_K: 256 numbers d·s·q − m·n in sub-blocks of 16. 84 bytes: 16 of scales s (low nibble) and minima n (high nibble), 64 of 2-bit codes, d and m (F16).
/// Byte 32h + l holds the codes of numbers 128h + 32j + l at bits 2j.
/// </summary>
internal sealed class Q2KFormat() : WeightFormat("Q2_K", null, Block256.Elements, 84)
{
    public override bool CanDecode => true;

    public override void Decode(ReadOnlySpan<byte> from, Span<float> into)
    {
        for (; into.Length >= 256; from = from[84..], into = into[256..])
        {
            float d = Block256.Half(from, 80), m = Block256.Half(from, 82);
            for (var sub = 0; sub < 16; sub++)
            {
                float scale = d * (from[sub] & 15), min = m * (from[sub] >> 4);
                int at = 16 * sub, half = at / 128, shift = 2 * (at % 128 / 32), first = 16 + (32 * half) + (at % 32);
                for (var i = 0; i < 16; i++)
                    into[at + i] = (scale * ((from[first + i] >> shift) & 3)) - min;
            }
        }
    }
}
