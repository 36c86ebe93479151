using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace KernelTune.Checkpoints;

/// <summary>What ggml's blocks of 32 numbers share: a float16 scale in front, codes behind, widened sixteen at a time.</summary>
internal static class Block32
{
    public const int Elements = 32;

    /// <summary>The float16 at <paramref name="offset"/> bytes into the block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Half(ref byte block, int offset) => (float)Unsafe.ReadUnaligned<Half>(ref Unsafe.Add(ref block, offset));

    /// <summary>into[i] = scale·code[i] + shift for 16 codes. The product of a float16 and 8 bits is exact, so fused or not is the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Affine(Vector128<byte> codes, Vector256<float> scale, Vector256<float> shift, ref float into)
    {
        var wide = Vector256.WidenLower(codes.ToVector256Unsafe());
        ((Vector256.ConvertToSingle(Vector256.WidenLower(wide).AsInt32()) * scale) + shift).StoreUnsafe(ref into);
        ((Vector256.ConvertToSingle(Vector256.WidenUpper(wide).AsInt32()) * scale) + shift).StoreUnsafe(ref into, 8);
    }

    /// <summary>into[i] = scale·(code[i] − centre) for 16 codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Centred(Vector128<byte> codes, int centre, Vector256<float> scale, ref float into)
    {
        var wide = Vector256.WidenLower(codes.ToVector256Unsafe());
        var middle = Vector256.Create(centre);
        (Vector256.ConvertToSingle(Vector256.WidenLower(wide).AsInt32() - middle) * scale).StoreUnsafe(ref into);
        (Vector256.ConvertToSingle(Vector256.WidenUpper(wide).AsInt32() - middle) * scale).StoreUnsafe(ref into, 8);
    }

    /// <summary>Bit i of <paramref name="bits"/> as 16 in byte i: the fifth bit of Q5_0 and Q5_1. <paramref name="bits"/> are 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> FifthBits(uint bits)
    {
        var spread = Vector128.Create(Vector64.Create((byte)bits), Vector64.Create((byte)(bits >> 8)));
        var each = Vector128.Create((byte)1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128);
        return Vector128.Equals(spread & each, each) & Vector128.Create((byte)16);
    }

    /// <summary>The value of largest magnitude, with its sign; of equals the first.</summary>
    public static float Extreme(ReadOnlySpan<float> block)
    {
        var extreme = block[0];
        foreach (var x in block)
        {
            if (Math.Abs(x) > Math.Abs(extreme))
                extreme = x;
        }

        return extreme;
    }

    /// <summary>The smallest and the largest value.</summary>
    public static (float Min, float Max) Range(ReadOnlySpan<float> block)
    {
        float min = block[0], max = block[0];
        foreach (var x in block)
        {
            min = Math.Min(min, x);
            max = Math.Max(max, x);
        }

        return (min, max);
    }

    public static void WriteHalf(Span<byte> block, int offset, float value)
    {
        var half = (Half)value;
        MemoryMarshal.Write(block[offset..], in half);
    }
}
