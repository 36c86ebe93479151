using KernelTune.Kernels.Numerics;

namespace KernelTune.Checkpoints;

/// <summary>
/// An 8-bit float: sign, exponent, fraction. E4M3 is the "fn" kind: no infinity, one NaN, the largest value is 448 and what is larger
/// becomes it; E5M2 is IEEE-like and overflows to infinity (Micikevicius et al., 2022; PyTorch 2.13's conversions).
/// </summary>
internal sealed record Float8(int FractionBits, int Bias, int Largest, int AboveLargest, int NaN)
{
    public static Float8 E4M3 { get; } = new(3, 7, 0x7E, 0x7E, 0x7F);

    public static Float8 E5M2 { get; } = new(2, 15, 0x7B, 0x7C, 0x7F);

    public float Decode(byte code)
    {
        var magnitude = code & 0x7F;
        var sign = (code & 0x80) != 0 ? -1f : 1f;
        if (magnitude > Largest)
            return AboveLargest > Largest && magnitude == AboveLargest ? sign * float.PositiveInfinity : float.NaN;
        var exponent = magnitude >> FractionBits;
        var fraction = magnitude & ((1 << FractionBits) - 1);
        var significand = exponent == 0 ? fraction : fraction + (1 << FractionBits);
        return sign * MathF.ScaleB(significand, Math.Max(exponent, 1) - Bias - FractionBits);
    }

    /// <summary>To nearest, ties to even.</summary>
    public byte Encode(float value)
    {
        var sign = float.IsNegative(value) ? 0x80 : 0;
        if (float.IsNaN(value))
            return (byte)(sign | NaN);
        if (float.IsInfinity(value))
            return (byte)(sign | AboveLargest);
        double magnitude = Math.Abs(value);
        var exponent = magnitude == 0 ? 1 : Math.Max(Math.ILogB(magnitude) + Bias, 1);
        // The significand counts units of the last place; a carry out of it moves into the exponent by itself.
        var units = Math.Round(Math.ScaleB(magnitude, Bias + FractionBits - exponent), MidpointRounding.ToEven);
        var code = ((long)(exponent - 1) << FractionBits) + (long)units;
        return (byte)(sign | (code > Largest ? AboveLargest : (int)code));
    }
}

/// <summary>One byte a number; 256 values, looked up.</summary>
internal sealed class Float8Format : WeightFormat
{
    private readonly Float8 _kind;
    private readonly float[] _values = new float[256];

    public Float8Format(string name, DType type, Float8 kind)
        : base(name, type, 1, 1)
    {
        _kind = kind;
        for (var i = 0; i < 256; i++)
            _values[i] = kind.Decode((byte)i);
    }

    public override bool CanDecode => true;

    public override bool CanEncode => true;

    public override void Decode(ReadOnlySpan<byte> from, Span<float> into)
    {
        for (var i = 0; i < into.Length; i++)
            into[i] = _values[from[i]];
    }

    public override void Encode(ReadOnlySpan<float> from, Span<byte> into)
    {
        for (var i = 0; i < from.Length; i++)
            into[i] = _kind.Encode(from[i]);
    }
}
