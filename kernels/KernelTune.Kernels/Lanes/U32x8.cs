using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace KernelTune.Kernels.Lanes;

/// <summary>Eight unsigned integers, AVX2.</summary>
public readonly struct U32x8(Vector256<uint> value) : IUniformLane<U32x8, F32x8>
{
    public readonly Vector256<uint> Value = value;

    public static int Width => 8;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x8 Create(uint value) => new(Vector256.Create(value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x8 operator +(U32x8 a, U32x8 b) => new(a.Value + b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x8 operator ^(U32x8 a, U32x8 b) => new(a.Value ^ b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x8 operator &(U32x8 a, U32x8 b) => new(a.Value & b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x8 operator |(U32x8 a, U32x8 b) => new(a.Value | b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x8 ShiftLeft(U32x8 a, int bits) => new(Vector256.ShiftLeft(a.Value, bits));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x8 ShiftRight(U32x8 a, int bits) => new(Vector256.ShiftRightLogical(a.Value, bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyWide(U32x8 a, U32x8 b, out U32x8 high, out U32x8 low)
    {
        Vector256<ulong> even = Avx2.Multiply(a.Value, b.Value);
        Vector256<ulong> odd = Avx2.Multiply(Vector256.ShiftRightLogical(a.Value.AsUInt64(), 32).AsUInt32(), Vector256.ShiftRightLogical(b.Value.AsUInt64(), 32).AsUInt32());
        Vector256<ulong> lower = Vector256.Create(0xFFFFFFFFul);
        high = new((Vector256.ShiftRightLogical(even, 32) | (odd & ~lower)).AsUInt32());
        low = new(((even & lower) | Vector256.ShiftLeft(odd, 32)).AsUInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x8 Counters(uint first) => new(Vector256.Create(first) + Vector256.Create(0u, 2, 4, 6, 1, 3, 5, 7));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Interleave(U32x8 a, U32x8 b, U32x8 c, U32x8 d, out U32x8 r0, out U32x8 r1, out U32x8 r2, out U32x8 r3)
    {
        // A 4×4 transposition in each 128-bit part.
        Vector256<ulong> abLow = Avx2.UnpackLow(a.Value, b.Value).AsUInt64(), abHigh = Avx2.UnpackHigh(a.Value, b.Value).AsUInt64();
        Vector256<ulong> cdLow = Avx2.UnpackLow(c.Value, d.Value).AsUInt64(), cdHigh = Avx2.UnpackHigh(c.Value, d.Value).AsUInt64();
        r0 = new(Avx2.UnpackLow(abLow, cdLow).AsUInt32());
        r1 = new(Avx2.UnpackHigh(abLow, cdLow).AsUInt32());
        r2 = new(Avx2.UnpackLow(abHigh, cdHigh).AsUInt32());
        r3 = new(Avx2.UnpackHigh(abHigh, cdHigh).AsUInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x8 Uniform(U32x8 bits) =>
        new(Vector256.ConvertToSingle(Vector256.ShiftRightLogical(bits.Value, 8).AsInt32()) * Vector256.Create(1f / 16777216f));
}
