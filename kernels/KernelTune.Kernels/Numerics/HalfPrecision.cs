using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace KernelTune.Kernels.Numerics;

/// <summary>Runs of 16-bit floats to and from 32-bit ones, eight at a time: every value as <see cref="BFloat16"/> and <see cref="Half"/> convert it.</summary>
/// <remarks>In place only where both types have one size, that is never: source and destination do not overlap.</remarks>
public static unsafe class HalfPrecision
{
    /// <summary>to[i] = from[i], exactly.</summary>
    public static void FromBFloat16(ushort* from, float* to, nint count)
    {
        nint i = 0;
        for (; i + 8 <= count; i += 8)
            Vector256.ShiftLeft(Widen(from + i), 16).AsSingle().Store(to + i);
        for (; i < count; i++) to[i] = new BFloat16(from[i]);
    }

    /// <summary>to[i] = from[i], rounded to nearest, ties to even.</summary>
    public static void ToBFloat16(float* from, ushort* to, nint count)
    {
        Vector256<uint> half = Vector256.Create(0x7FFFu), one = Vector256<uint>.One, quiet = Vector256.Create(0x40u);
        nint i = 0;
        for (; i + 8 <= count; i += 8)
        {
            Vector256<float> value = Vector256.Load(from + i);
            Vector256<uint> bits = value.AsUInt32(), high = Vector256.ShiftRightLogical(bits, 16);
            Vector256<uint> rounded = Vector256.ShiftRightLogical(bits + half + (high & one), 16);
            Vector256<uint> number = Vector256.Equals(value, value).AsUInt32();
            Narrow(Vector256.ConditionalSelect(number, rounded, high | quiet), to + i);
        }

        for (; i < count; i++) to[i] = ((BFloat16)from[i]).Bits;
    }

    /// <summary>to[i] = from[i], exactly.</summary>
    public static void FromHalf(ushort* from, float* to, nint count)
    {
        // Moved up by 13 bits a half is a float whose exponent is 112 too small: a product repairs it, and normalises subnormals.
        Vector256<float> scale = Vector256.Create(BitConverter.UInt32BitsToSingle((127 + 112) << 23));
        Vector256<uint> magnitude = Vector256.Create(0x7FFFu), special = Vector256.Create(0x7C00u), infinity = Vector256.Create(0x7F800000u);
        nint i = 0;
        for (; i + 8 <= count; i += 8)
        {
            Vector256<uint> bits = Widen(from + i), size = bits & magnitude, sign = Vector256.ShiftLeft(bits ^ size, 16);
            Vector256<uint> finite = (Vector256.ShiftLeft(size, 13).AsSingle() * scale).AsUInt32();
            Vector256<uint> isSpecial = Vector256.GreaterThanOrEqual(size.AsInt32(), special.AsInt32()).AsUInt32();
            ((finite | (isSpecial & infinity)) | sign).AsSingle().Store(to + i);
        }

        for (; i < count; i++) to[i] = (float)BitConverter.UInt16BitsToHalf(from[i]);
    }

    /// <summary>to[i] = from[i], rounded to nearest, ties to even; infinite from 65520 on.</summary>
    public static void ToHalf(float* from, ushort* to, nint count)
    {
        Vector256<uint> signBit = Vector256.Create(0x80000000u), infinity = Vector256.Create(0x7C00u), one = Vector256<uint>.One;
        Vector256<uint> rebias = Vector256.Create(unchecked(0xFFFu - (112u << 23))), magic = Vector256.Create(0x3F000000u);
        Vector256<int> overflow = Vector256.Create(0x477FF000), small = Vector256.Create(0x38800000), nan = Vector256.Create(0x7F800000);
        nint i = 0;
        for (; i + 8 <= count; i += 8)
        {
            Vector256<uint> bits = Vector256.Load(from + i).AsUInt32(), size = bits & ~signBit, sign = Vector256.ShiftRightLogical(bits & signBit, 16);
            Vector256<uint> normal = Vector256.ShiftRightLogical(size + rebias + (Vector256.ShiftRightLogical(size, 13) & one), 13);
            // Below 2^-14 a half counts in steps of 2^-24, as floats of [½, 1) do: the sum with ½ rounds.
            Vector256<uint> subnormal = (size.AsSingle() + magic.AsSingle()).AsUInt32() - magic;
            Vector256<uint> y = Vector256.ConditionalSelect(Vector256.LessThan(size.AsInt32(), small).AsUInt32(), subnormal, normal);
            y = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(size.AsInt32(), overflow).AsUInt32(), infinity, y);
            Vector256<uint> quiet = infinity | Vector256.Create(0x200u) | (Vector256.ShiftRightLogical(size, 13) & Vector256.Create(0x3FFu));
            y = Vector256.ConditionalSelect(Vector256.GreaterThan(size.AsInt32(), nan).AsUInt32(), quiet, y);
            Narrow(y | sign, to + i);
        }

        for (; i < count; i++) to[i] = BitConverter.HalfToUInt16Bits((Half)from[i]);
    }

    /// <summary>x[i] rounded to what BF16 or F16 can hold, to nearest, ties to even; other types leave it as it is.</summary>
    [SkipLocalsInit]
    public static void Round(float* x, nint count, DType type)
    {
        const int Piece = 256;
        ushort* bits = stackalloc ushort[Piece];
        for (; count > 0 && type is DType.BF16 or DType.F16; x += Piece, count -= Piece)
        {
            nint some = Math.Min(count, Piece);
            if (type == DType.BF16)
            {
                ToBFloat16(x, bits, some);
                FromBFloat16(bits, x, some);
            }
            else
            {
                ToHalf(x, bits, some);
                FromHalf(bits, x, some);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Widen(ushort* from)
    {
        (Vector128<uint> low, Vector128<uint> high) = Vector128.Widen(Vector128.Load(from));
        return Vector256.Create(low, high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Narrow(Vector256<uint> values, ushort* to) => Vector128.Narrow(values.GetLower(), values.GetUpper()).Store(to);
}
