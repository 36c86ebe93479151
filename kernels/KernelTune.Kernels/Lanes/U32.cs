using System.Runtime.CompilerServices;

namespace KernelTune.Kernels.Lanes;

/// <summary>One unsigned integer.</summary>
public readonly struct U32(uint value) : IUniformLane<U32, F32>
{
    public readonly uint Value = value;

    public static int Width => 1;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32 Create(uint value) => new(value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32 operator +(U32 a, U32 b) => new(a.Value + b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32 operator ^(U32 a, U32 b) => new(a.Value ^ b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32 operator &(U32 a, U32 b) => new(a.Value & b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32 operator |(U32 a, U32 b) => new(a.Value | b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32 ShiftLeft(U32 a, int bits) => new(a.Value << bits);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32 ShiftRight(U32 a, int bits) => new(a.Value >> bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyWide(U32 a, U32 b, out U32 high, out U32 low)
    {
        ulong product = (ulong)a.Value * b.Value;
        high = new((uint)(product >> 32));
        low = new((uint)product);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32 Counters(uint first) => new(first);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Interleave(U32 a, U32 b, U32 c, U32 d, out U32 r0, out U32 r1, out U32 r2, out U32 r3) => (r0, r1, r2, r3) = (a, b, c, d);

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32 Uniform(U32 bits) => new((int)(bits.Value >> 8) * (1f / 16777216f));
}
