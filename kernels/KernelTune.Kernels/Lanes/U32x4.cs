using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace KernelTune.Kernels.Lanes;

/// <summary>Four unsigned integers, on any processor that .NET runs on.</summary>
public readonly struct U32x4(Vector128<uint> value) : IUniformLane<U32x4, F32x4>
{
    public readonly Vector128<uint> Value = value;

    public static int Width => 4;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x4 Create(uint value) => new(Vector128.Create(value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x4 operator +(U32x4 a, U32x4 b) => new(a.Value + b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x4 operator ^(U32x4 a, U32x4 b) => new(a.Value ^ b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x4 operator &(U32x4 a, U32x4 b) => new(a.Value & b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x4 operator |(U32x4 a, U32x4 b) => new(a.Value | b.Value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x4 ShiftLeft(U32x4 a, int bits) => new(Vector128.ShiftLeft(a.Value, bits));
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x4 ShiftRight(U32x4 a, int bits) => new(Vector128.ShiftRightLogical(a.Value, bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyWide(U32x4 a, U32x4 b, out U32x4 high, out U32x4 low)
    {
        Vector128<ulong> first = Vector128.WidenLower(a.Value) * Vector128.WidenLower(b.Value), last = Vector128.WidenUpper(a.Value) * Vector128.WidenUpper(b.Value);
        high = new(Vector128.Narrow(Vector128.ShiftRightLogical(first, 32), Vector128.ShiftRightLogical(last, 32)));
        low = new(Vector128.Narrow(first, last));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static U32x4 Counters(uint first) => new(Vector128.Create(first) + Vector128.Create(0u, 1, 2, 3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Interleave(U32x4 a, U32x4 b, U32x4 c, U32x4 d, out U32x4 r0, out U32x4 r1, out U32x4 r2, out U32x4 r3)
    {
        // A 4×4 transposition.
        Vector128<uint> ac = Low(a.Value, c.Value), bd = Low(b.Value, d.Value), acHigh = High(a.Value, c.Value), bdHigh = High(b.Value, d.Value);
        r0 = new(Low(ac, bd));
        r1 = new(High(ac, bd));
        r2 = new(Low(acHigh, bdHigh));
        r3 = new(High(acHigh, bdHigh));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Low(Vector128<uint> a, Vector128<uint> b) =>
        Vector128.Create(a.GetElement(0), b.GetElement(0), a.GetElement(1), b.GetElement(1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> High(Vector128<uint> a, Vector128<uint> b)
    {
        return Vector128.Create(a.GetElement(2), b.GetElement(2), a.GetElement(3), b.GetElement(3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static F32x4 Uniform(U32x4 bits) =>
        new(Vector128.ConvertToSingle(Vector128.ShiftRightLogical(bits.Value, 8).AsInt32()) * Vector128.Create(1f / 16777216f));
}
