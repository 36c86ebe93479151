using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>Transposes blocks of floats that fit a cache: how operands stored the other way round are packed.</summary>
internal static unsafe class PackingTranspose
{
    /// <summary>to[c·ldTo + r] = from[r·ldFrom + c] for r below rows, c below columns. The two do not overlap.</summary>
    public static void Run(InstructionSet set, float* from, nint ldFrom, int rows, int columns, float* to, nint ldTo)
    {
        var r = 0;
        if (set != InstructionSet.Portable)
            for (; r < rows; r += 8)
            {
                var height = Math.Min(8, rows - r);
                if (height == 8)
                    Strip8(from + r * ldFrom, ldFrom, columns, to + r, ldTo);
                else
                    StripOf(height, from + r * ldFrom, ldFrom, columns, to + r, ldTo);
            }
        for (; r < rows; r++)
            for (var c = 0; c < columns; c++)
                to[c * ldTo + r] = from[r * ldFrom + c];
    }

    [SkipLocalsInit]
    private static void Strip8(float* from, nint ld, int columns, float* to, nint ldTo)
    {
        var c = 0;
        for (; c + 8 <= columns; c += 8)
        {
            Transpose(
                from + c, from + ld + c, from + 2 * ld + c, from + 3 * ld + c, from + 4 * ld + c, from + 5 * ld + c, from + 6 * ld + c, from + 7 * ld + c,
                out var t0, out var t1, out var t2, out var t3, out var t4, out var t5, out var t6, out var t7);
            var d = to + c * ldTo;
            t0.Store(d);
            t1.Store(d + ldTo);
            t2.Store(d + 2 * ldTo);
            t3.Store(d + 3 * ldTo);
            t4.Store(d + 4 * ldTo);
            t5.Store(d + 5 * ldTo);
            t6.Store(d + 6 * ldTo);
            t7.Store(d + 7 * ldTo);
        }
        for (; c < columns; c++)
            for (var r = 0; r < 8; r++)
                to[c * ldTo + r] = from[r * ld + c];
    }

    /// <summary>Fewer than eight rows: the missing ones read the first again, and only the first <paramref name="rows"/> lanes are stored.</summary>
    [SkipLocalsInit]
    private static void StripOf(int rows, float* from, nint ld, int columns, float* to, nint ldTo)
    {
        nint s1 = rows > 1 ? ld : 0, s2 = rows > 2 ? 2 * ld : 0, s3 = rows > 3 ? 3 * ld : 0;
        nint s4 = rows > 4 ? 4 * ld : 0, s5 = rows > 5 ? 5 * ld : 0, s6 = rows > 6 ? 6 * ld : 0;
        var c = 0;
        for (; c + 8 <= columns; c += 8)
        {
            var f = from + c;
            Transpose(
                f, f + s1, f + s2, f + s3, f + s4, f + s5, f + s6, f,
                out var t0, out var t1, out var t2, out var t3, out var t4, out var t5, out var t6, out var t7);
            var d = to + c * ldTo;
            Store(rows, t0, d);
            Store(rows, t1, d + ldTo);
            Store(rows, t2, d + 2 * ldTo);
            Store(rows, t3, d + 3 * ldTo);
            Store(rows, t4, d + 4 * ldTo);
            Store(rows, t5, d + 5 * ldTo);
            Store(rows, t6, d + 6 * ldTo);
            Store(rows, t7, d + 7 * ldTo);
        }
        for (; c < columns; c++)
            for (var r = 0; r < rows; r++)
                to[c * ldTo + r] = from[r * ld + c];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(int count, Vector256<float> v, float* to)
    {
        var part = v.GetLower();
        if ((count & 4) != 0)
        {
            part.Store(to);
            to += 4;
            part = v.GetUpper();
        }
        if ((count & 2) != 0)
        {
            *(double*)to = part.AsDouble().ToScalar();
            to += 2;
            part = Sse.MoveHighToLow(part, part);
        }
        if ((count & 1) != 0)
            *to = part.ToScalar();
    }

    // Halves of rows r and r+4 are joined as they are loaded: sixteen shuffles instead of twenty-four.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(
        float* r0, float* r1, float* r2, float* r3, float* r4, float* r5, float* r6, float* r7,
        out Vector256<float> t0, out Vector256<float> t1, out Vector256<float> t2, out Vector256<float> t3,
        out Vector256<float> t4, out Vector256<float> t5, out Vector256<float> t6, out Vector256<float> t7)
    {
        var a0 = Vector256.Create(Vector128.Load(r0), Vector128.Load(r4));
        var a1 = Vector256.Create(Vector128.Load(r1), Vector128.Load(r5));
        var a2 = Vector256.Create(Vector128.Load(r2), Vector128.Load(r6));
        var a3 = Vector256.Create(Vector128.Load(r3), Vector128.Load(r7));
        Quarter(a0, a1, a2, a3, out t0, out t1, out t2, out t3);
        a0 = Vector256.Create(Vector128.Load(r0 + 4), Vector128.Load(r4 + 4));
        a1 = Vector256.Create(Vector128.Load(r1 + 4), Vector128.Load(r5 + 4));
        a2 = Vector256.Create(Vector128.Load(r2 + 4), Vector128.Load(r6 + 4));
        a3 = Vector256.Create(Vector128.Load(r3 + 4), Vector128.Load(r7 + 4));
        Quarter(a0, a1, a2, a3, out t4, out t5, out t6, out t7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarter(
        Vector256<float> a0, Vector256<float> a1, Vector256<float> a2, Vector256<float> a3,
        out Vector256<float> t0, out Vector256<float> t1, out Vector256<float> t2, out Vector256<float> t3)
    {
        var u0 = Avx.UnpackLow(a0, a1);
        var u1 = Avx.UnpackHigh(a0, a1);
        var u2 = Avx.UnpackLow(a2, a3);
        var u3 = Avx.UnpackHigh(a2, a3);
        t0 = Avx.Shuffle(u0, u2, 0x44);
        t1 = Avx.Shuffle(u0, u2, 0xEE);
        t2 = Avx.Shuffle(u1, u3, 0x44);
        t3 = Avx.Shuffle(u1, u3, 0xEE);
    }
}
