using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace KernelTune.Kernels.Lanes;

/// <summary>Sixteen unsigned integers, AVX-512.</summary>
public readonly struct U32x16(Vector512<uint> value) : IUniformLane<U32x16, F32x16>
{
    public readonly Vector512<uint> Value = value;

    public static int Width => 16;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x16 Create(uint value) => new(Vector512.Create(value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x16 operator +(U32x16 a, U32x16 b) => new(a.Value + b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x16 operator ^(U32x16 a, U32x16 b) => new(a.Value ^ b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x16 operator &(U32x16 a, U32x16 b) => new(a.Value & b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x16 operator |(U32x16 a, U32x16 b) => new(a.Value | b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x16 ShiftLeft(U32x16 a, int bits) => new(Vector512.ShiftLeft(a.Value, bits));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x16 ShiftRight(U32x16 a, int bits) => new(Vector512.ShiftRightLogical(a.Value, bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyWide(U32x16 a, U32x16 b, out U32x16 high, out U32x16 low)
    {
        Vector512<ulong> even = Avx512F.Multiply(a.Value, b.Value);
        Vector512<ulong> odd = Avx512F.Multiply(Vector512.ShiftRightLogical(a.Value.AsUInt64(), 32).AsUInt32(), Vector512.ShiftRightLogical(b.Value.AsUInt64(), 32).AsUInt32());
        Vector512<ulong> lower = Vector512.Create(0xFFFFFFFFul);
        high = new((Vector512.ShiftRightLogical(even, 32) | (odd & ~lower)).AsUInt32());
        low = new(((even & lower) | Vector512.ShiftLeft(odd, 32)).AsUInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x16 Counters(uint first) => new(Vector512.Create(first) + Vector512.Create(0u, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Interleave(U32x16 a, U32x16 b, U32x16 c, U32x16 d, out U32x16 r0, out U32x16 r1, out U32x16 r2, out U32x16 r3)
    {
        // A 4×4 transposition in each 128-bit part.
        Vector512<ulong> abLow = Avx512F.UnpackLow(a.Value, b.Value).AsUInt64(), abHigh = Avx512F.UnpackHigh(a.Value, b.Value).AsUInt64();
        Vector512<ulong> cdLow = Avx512F.UnpackLow(c.Value, d.Value).AsUInt64(), cdHigh = Avx512F.UnpackHigh(c.Value, d.Value).AsUInt64();
        r0 = new(Avx512F.UnpackLow(abLow, cdLow).AsUInt32());
        r1 = new(Avx512F.UnpackHigh(abLow, cdLow).AsUInt32());
        r2 = new(Avx512F.UnpackLow(abHigh, cdHigh).AsUInt32());
        r3 = new(Avx512F.UnpackHigh(abHigh, cdHigh).AsUInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x16 Uniform(U32x16 bits) =>
        new(Vector512.ConvertToSingle(Vector512.ShiftRightLogical(bits.Value, 8).AsInt32()) * Vector512.Create(1f / 16777216f));
}
