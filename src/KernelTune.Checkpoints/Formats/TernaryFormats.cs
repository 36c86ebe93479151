namespace KernelTune.Checkpoints;

/// <summary>
/// ggml's TQ1_0: 256 numbers d·(t − 1), five ternary digits t a byte. 54 bytes: 48 of 5 digits (a run of 32, then of 16), 4 of 4 digits, d (F16). A byte is the base-3 number scaled to 0…255, rounded up,
/// so that digits fall out of multiplications by 3.
/// </summary>
internal sealed class TQ1Format() : WeightFormat("TQ1_0", null, Block256.Elements, 54)
{
    public override bool CanDecode => true;

    public override bool CanEncode => true;

    public override void Decode(ReadOnlySpan<byte> from, Span<float> into)
    {
        for (; into.Length >= 256; from = from[54..], into = into[256..])
        {
            var d = Block256.Half(from, 52);
            Digits(from[..32], 5, d, into);
            Digits(from.Slice(32, 16), 5, d, into[160..]);
            Digits(from.Slice(48, 4), 4, d, into[240..]);
        }
    }

    public override void Encode(ReadOnlySpan<float> from, Span<byte> into)
    {
        for (; from.Length >= 256; from = from[256..], into = into[54..])
        {
            var d = Block256.Largest(from[..256]);
            var inverse = d == 0 ? 0 : 1f / d;
            Pack(from, 5, inverse, into[..32]);
            Pack(from[160..], 5, inverse, into.Slice(32, 16));
            Pack(from[240..], 4, inverse, into.Slice(48, 4));
            Block32.WriteHalf(into, 52, d);
        }
    }

    private static void Digits(ReadOnlySpan<byte> bytes, int digits, float d, Span<float> into)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            var value = bytes[i];
            for (var digit = 0; digit < digits; digit++, value = (byte)(value * 3))
                into[(digit * bytes.Length) + i] = d * (((value * 3) >> 8) - 1);
        }
    }

    private static void Pack(ReadOnlySpan<float> from, int digits, float inverse, Span<byte> into)
    {
        for (var i = 0; i < into.Length; i++)
        {
            var number = 0;
            for (var digit = 0; digit < digits; digit++)
                number = (number * 3) + Block256.Round(from[(digit * into.Length) + i] * inverse) + 1;
            if (digits == 4)
                number *= 3;
            into[i] = (byte)(((number * 256) + 242) / 243);
        }
    }
}

/// <summary>ggml's TQ2_0: 256 numbers d·(t − 1), two bits a ternary digit. 66 bytes: 64 of codes laid out as in Q2_K, d (F16).</summary>
internal sealed class TQ2Format() : WeightFormat("TQ2_0", null, Block256.Elements, 66)
{
    public override bool CanDecode => true;

    public override bool CanEncode => true;

    public override void Decode(ReadOnlySpan<byte> from, Span<float> into)
    {
        for (; into.Length >= 256; from = from[66..], into = into[256..])
        {
            var d = Block256.Half(from, 64);
            for (var i = 0; i < 256; i++)
                into[i] = d * (((from[(32 * (i / 128)) + (i % 32)] >> (2 * (i % 128 / 32))) & 3) - 1);
        }
    }

    public override void Encode(ReadOnlySpan<float> from, Span<byte> into)
    {
        for (; from.Length >= 256; from = from[256..], into = into[66..])
        {
            var d = Block256.Largest(from[..256]);
            var inverse = d == 0 ? 0 : 1f / d;
            into[..64].Clear();
            for (var i = 0; i < 256; i++)
                into[(32 * (i / 128)) + (i % 32)] |= (byte)((Block256.Round(from[i] * inverse) + 1) << (2 * (i % 128 / 32)));
            Block32.WriteHalf(into, 64, d);
        }
    }
}
