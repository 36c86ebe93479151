using System.Runtime.CompilerServices;

namespace KernelTune.Kernels.Numerics;

/// <summary>The upper half of a 32-bit float: 8 exponent bits, 7 of mantissa. From a float it is rounded to nearest, ties to even; NaN stays NaN.</summary>
public readonly struct BFloat16(ushort bits) : IEquatable<BFloat16>
{
    /// <summary>The stored bits.</summary>
    public ushort Bits { get; } = bits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static explicit operator BFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        // Rounding could carry a NaN's mantissa into infinity: its quiet bit is set instead.
        if (float.IsNaN(value)) return new((ushort)((bits >> 16) | 0x40));
        return new((ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static implicit operator float(BFloat16 value) => BitConverter.UInt32BitsToSingle((uint)value.Bits << 16);

    public bool Equals(BFloat16 other) => (float)this == other;
    public override bool Equals(object? obj) => obj is BFloat16 other && Equals(other);
    public override int GetHashCode() => ((float)this).GetHashCode();
    public static bool operator ==(BFloat16 a, BFloat16 b) => a.Equals(b);
    public static bool operator !=(BFloat16 a, BFloat16 b) => !a.Equals(b);
}
