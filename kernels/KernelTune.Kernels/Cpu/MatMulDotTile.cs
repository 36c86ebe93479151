using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// Inner products of rows: up to 4 × 4 at a time. Element p goes to lane p mod 16 whatever the vector's width; the lanes are added in one
/// fixed tree (halves folded upon each other).
/// </summary>
internal static unsafe class MatMulDotTile
{
    // Floats between what is read and what is asked for: four rows at once are more streams than the hardware follows well.
    private const int Ahead = 512;

    /// <summary>to[i·4 + j] = Σₚ x[i·ldX + p] · w[j·ldW + p], i below rows (1 to 4), j below 4.</summary>
    public static void Run(InstructionSet set, int rows, nint k, float* x, nint ldX, float* w, nint ldW, float* to)
    {
        if (set != InstructionSet.Avx512)
        {
            for (var i = 0; i < rows; i++)
                if (set == InstructionSet.Avx2)
                    Row256(k, x + i * ldX, w, ldW, to + i * 4);
                else
                    for (var j = 0; j < 4; j++)
                        to[i * 4 + j] = One128(k, x + i * ldX, w + j * ldW);
            return;
        }
        switch (rows)
        {
            case 1: Run512<TileRows1>(k, x, ldX, w, ldW, to); break;
            case 2: Run512<TileRows2>(k, x, ldX, w, ldW, to); break;
            case 3: Run512<TileRows3>(k, x, ldX, w, ldW, to); break;
            default: Run512<TileRows4>(k, x, ldX, w, ldW, to); break;
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run512<TRows>(nint k, float* x, nint ldX, float* w, nint ldW, float* to) where TRows : struct, ITileRows
    {
        Vector512<float> s00 = default, s01 = default, s02 = default, s03 = default;
        Vector512<float> s10 = default, s11 = default, s12 = default, s13 = default;
        Vector512<float> s20 = default, s21 = default, s22 = default, s23 = default;
        Vector512<float> s30 = default, s31 = default, s32 = default, s33 = default;
        float* w1 = w + ldW, w2 = w1 + ldW, w3 = w2 + ldW;
        float* x1 = TRows.Count > 1 ? x + ldX : x, x2 = TRows.Count > 2 ? x1 + ldX : x, x3 = TRows.Count > 3 ? x2 + ldX : x;
        nint p = 0;
        for (; p + 16 <= k; p += 16)
        {
            Sse.Prefetch0(w + p + Ahead);
            Sse.Prefetch0(w1 + p + Ahead);
            Sse.Prefetch0(w2 + p + Ahead);
            Sse.Prefetch0(w3 + p + Ahead);
            Vector512<float> v0 = Vector512.Load(w + p), v1 = Vector512.Load(w1 + p), v2 = Vector512.Load(w2 + p), v3 = Vector512.Load(w3 + p);
            var u = Vector512.Load(x + p);
            s00 = Avx512F.FusedMultiplyAdd(u, v0, s00);
            s01 = Avx512F.FusedMultiplyAdd(u, v1, s01);
            s02 = Avx512F.FusedMultiplyAdd(u, v2, s02);
            s03 = Avx512F.FusedMultiplyAdd(u, v3, s03);
            if (TRows.Count > 1)
            {
                u = Vector512.Load(x1 + p);
                s10 = Avx512F.FusedMultiplyAdd(u, v0, s10);
                s11 = Avx512F.FusedMultiplyAdd(u, v1, s11);
                s12 = Avx512F.FusedMultiplyAdd(u, v2, s12);
                s13 = Avx512F.FusedMultiplyAdd(u, v3, s13);
            }
            if (TRows.Count > 2)
            {
                u = Vector512.Load(x2 + p);
                s20 = Avx512F.FusedMultiplyAdd(u, v0, s20);
                s21 = Avx512F.FusedMultiplyAdd(u, v1, s21);
                s22 = Avx512F.FusedMultiplyAdd(u, v2, s22);
                s23 = Avx512F.FusedMultiplyAdd(u, v3, s23);
            }
            if (TRows.Count > 3)
            {
                u = Vector512.Load(x3 + p);
                s30 = Avx512F.FusedMultiplyAdd(u, v0, s30);
                s31 = Avx512F.FusedMultiplyAdd(u, v1, s31);
                s32 = Avx512F.FusedMultiplyAdd(u, v2, s32);
                s33 = Avx512F.FusedMultiplyAdd(u, v3, s33);
            }
        }
        if (p < k)
        {
            var mask = Vector512.LessThan(Vector512<int>.Indices, Vector512.Create((int)(k - p))).AsSingle();
            Vector512<float> v0 = Masked(w + p, mask), v1 = Masked(w1 + p, mask), v2 = Masked(w2 + p, mask), v3 = Masked(w3 + p, mask);
            var u = Masked(x + p, mask);
            s00 = Avx512F.FusedMultiplyAdd(u, v0, s00);
            s01 = Avx512F.FusedMultiplyAdd(u, v1, s01);
            s02 = Avx512F.FusedMultiplyAdd(u, v2, s02);
            s03 = Avx512F.FusedMultiplyAdd(u, v3, s03);
            if (TRows.Count > 1)
            {
                u = Masked(x1 + p, mask);
                s10 = Avx512F.FusedMultiplyAdd(u, v0, s10);
                s11 = Avx512F.FusedMultiplyAdd(u, v1, s11);
                s12 = Avx512F.FusedMultiplyAdd(u, v2, s12);
                s13 = Avx512F.FusedMultiplyAdd(u, v3, s13);
            }
            if (TRows.Count > 2)
            {
                u = Masked(x2 + p, mask);
                s20 = Avx512F.FusedMultiplyAdd(u, v0, s20);
                s21 = Avx512F.FusedMultiplyAdd(u, v1, s21);
                s22 = Avx512F.FusedMultiplyAdd(u, v2, s22);
                s23 = Avx512F.FusedMultiplyAdd(u, v3, s23);
            }
            if (TRows.Count > 3)
            {
                u = Masked(x3 + p, mask);
                s30 = Avx512F.FusedMultiplyAdd(u, v0, s30);
                s31 = Avx512F.FusedMultiplyAdd(u, v1, s31);
                s32 = Avx512F.FusedMultiplyAdd(u, v2, s32);
                s33 = Avx512F.FusedMultiplyAdd(u, v3, s33);
            }
        }
        if (TRows.Count > 0)
            Fold(s00, s01, s02, s03).Store(to + 0);
        if (TRows.Count > 1)
            Fold(s10, s11, s12, s13).Store(to + 4);
        if (TRows.Count > 2)
            Fold(s20, s21, s22, s23).Store(to + 8);
        if (TRows.Count > 3)
            Fold(s30, s31, s32, s33).Store(to + 12);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row256(nint k, float* x, float* w, nint ldW, float* to)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        float* w1 = w + ldW, w2 = w1 + ldW, w3 = w2 + ldW;
        nint p = 0;
        for (; p + 16 <= k; p += 16)
        {
            Vector256<float> u = Vector256.Load(x + p), v = Vector256.Load(x + p + 8);
            a0 = Fma.MultiplyAdd(u, Vector256.Load(w + p), a0);
            b0 = Fma.MultiplyAdd(v, Vector256.Load(w + p + 8), b0);
            a1 = Fma.MultiplyAdd(u, Vector256.Load(w1 + p), a1);
            b1 = Fma.MultiplyAdd(v, Vector256.Load(w1 + p + 8), b1);
            a2 = Fma.MultiplyAdd(u, Vector256.Load(w2 + p), a2);
            b2 = Fma.MultiplyAdd(v, Vector256.Load(w2 + p + 8), b2);
            a3 = Fma.MultiplyAdd(u, Vector256.Load(w3 + p), a3);
            b3 = Fma.MultiplyAdd(v, Vector256.Load(w3 + p + 8), b3);
        }
        if (p < k)
        {
            var low = Vector256.LessThan(Vector256<int>.Indices, Vector256.Create((int)(k - p))).AsSingle();
            var high = Vector256.LessThan(Vector256<int>.Indices, Vector256.Create((int)(k - p - 8))).AsSingle();
            Vector256<float> u = Avx.MaskLoad(x + p, low), v = Avx.MaskLoad(x + p + 8, high);
            a0 = Fma.MultiplyAdd(u, Avx.MaskLoad(w + p, low), a0);
            b0 = Fma.MultiplyAdd(v, Avx.MaskLoad(w + p + 8, high), b0);
            a1 = Fma.MultiplyAdd(u, Avx.MaskLoad(w1 + p, low), a1);
            b1 = Fma.MultiplyAdd(v, Avx.MaskLoad(w1 + p + 8, high), b1);
            a2 = Fma.MultiplyAdd(u, Avx.MaskLoad(w2 + p, low), a2);
            b2 = Fma.MultiplyAdd(v, Avx.MaskLoad(w2 + p + 8, high), b2);
            a3 = Fma.MultiplyAdd(u, Avx.MaskLoad(w3 + p, low), a3);
            b3 = Fma.MultiplyAdd(v, Avx.MaskLoad(w3 + p + 8, high), b3);
        }
        Fold(Fold(a0 + b0), Fold(a1 + b1), Fold(a2 + b2), Fold(a3 + b3)).Store(to);
    }

    private static float One128(nint k, float* x, float* w)
    {
        Vector128<float> a = default, b = default, c = default, d = default;
        nint p = 0;
        for (; p + 16 <= k; p += 16)
        {
            a = Vector128.FusedMultiplyAdd(Vector128.Load(x + p), Vector128.Load(w + p), a);
            b = Vector128.FusedMultiplyAdd(Vector128.Load(x + p + 4), Vector128.Load(w + p + 4), b);
            c = Vector128.FusedMultiplyAdd(Vector128.Load(x + p + 8), Vector128.Load(w + p + 8), c);
            d = Vector128.FusedMultiplyAdd(Vector128.Load(x + p + 12), Vector128.Load(w + p + 12), d);
        }
        if (p < k)
        {
            Vector512<float> u = Tail(x + p, k - p), v = Tail(w + p, k - p);
            a = Vector128.FusedMultiplyAdd(u.GetLower().GetLower(), v.GetLower().GetLower(), a);
            b = Vector128.FusedMultiplyAdd(u.GetLower().GetUpper(), v.GetLower().GetUpper(), b);
            c = Vector128.FusedMultiplyAdd(u.GetUpper().GetLower(), v.GetUpper().GetLower(), c);
            d = Vector128.FusedMultiplyAdd(u.GetUpper().GetUpper(), v.GetUpper().GetUpper(), d);
        }
        return Fold((a + c) + (b + d));
    }

    // A call in a kernel would spill its sums around every round of the loop: the tail is a masked load.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Masked(float* from, Vector512<float> mask) => Avx512F.MaskLoad(from, mask, Vector512<float>.Zero);

    /// <summary>The last elements of a row; zeros beyond.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector512<float> Tail(float* from, nint count)
    {
        var lanes = stackalloc float[16];
        for (nint i = 0; i < 16; i++)
            lanes[i] = i < count ? from[i] : 0;
        return Vector512.Load(lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Fold(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d) =>
        Fold(Fold(a.GetLower() + a.GetUpper()), Fold(b.GetLower() + b.GetUpper()), Fold(c.GetLower() + c.GetUpper()), Fold(d.GetLower() + d.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Fold(Vector256<float> v) => v.GetLower() + v.GetUpper();

    /// <summary>Four sums of four lanes: each (0 + 2) + (1 + 3).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Fold(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        var ab = Sse.MoveLowToHigh(a, b) + Sse.MoveHighToLow(b, a);
        var cd = Sse.MoveLowToHigh(c, d) + Sse.MoveHighToLow(d, c);
        return Sse.Shuffle(ab, cd, 0x88) + Sse.Shuffle(ab, cd, 0xDD);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Fold(Vector128<float> v) => (v[0] + v[2]) + (v[1] + v[3]);
}
