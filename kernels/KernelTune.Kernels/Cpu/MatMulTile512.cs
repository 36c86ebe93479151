using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// The AVX-512 tile: up to 14 rows × 32 columns of C in 28 registers, two of B, one broadcast of A. 14×32 reaches the FMA peak;
/// 16×32 spills. The rows not taken are folded away, so each height is a kernel of its own.
/// </summary>
internal static unsafe class MatMulTile512
{
    public const int Rows = 14;

    /// <summary>c[r, j] = (c[r, j] +) Σₚ a[p·aStep + r] · b[p·bStep + j], one FMA chain over p from zero; 32 columns.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TRows>(nint k, float* a, nint aStep, float* b, nint bStep, float* c, nint ldc, bool add)
        where TRows : struct, ITileRows
    {
        Vector512<float> c0l = default, c0h = default;
        Vector512<float> c1l = default, c1h = default;
        Vector512<float> c2l = default, c2h = default;
        Vector512<float> c3l = default, c3h = default;
        Vector512<float> c4l = default, c4h = default;
        Vector512<float> c5l = default, c5h = default;
        Vector512<float> c6l = default, c6h = default;
        Vector512<float> c7l = default, c7h = default;
        Vector512<float> c8l = default, c8h = default;
        Vector512<float> c9l = default, c9h = default;
        Vector512<float> c10l = default, c10h = default;
        Vector512<float> c11l = default, c11h = default;
        Vector512<float> c12l = default, c12h = default;
        Vector512<float> c13l = default, c13h = default;
        // C is fetched while the sums run, and the panel of B sixteen k ahead: without it a tile waits for both (94% of the peak against 91%).
        if (TRows.Count > 0) Touch(c + 0 * ldc);
        if (TRows.Count > 1) Touch(c + 1 * ldc);
        if (TRows.Count > 2) Touch(c + 2 * ldc);
        if (TRows.Count > 3) Touch(c + 3 * ldc);
        if (TRows.Count > 4) Touch(c + 4 * ldc);
        if (TRows.Count > 5) Touch(c + 5 * ldc);
        if (TRows.Count > 6) Touch(c + 6 * ldc);
        if (TRows.Count > 7) Touch(c + 7 * ldc);
        if (TRows.Count > 8) Touch(c + 8 * ldc);
        if (TRows.Count > 9) Touch(c + 9 * ldc);
        if (TRows.Count > 10) Touch(c + 10 * ldc);
        if (TRows.Count > 11) Touch(c + 11 * ldc);
        if (TRows.Count > 12) Touch(c + 12 * ldc);
        if (TRows.Count > 13) Touch(c + 13 * ldc);

        for (; k > 0; k--)
        {
            var l = Vector512.Load(b);
            var h = Vector512.Load(b + 16);
            Touch(b + 16 * MatMulTile.Columns);
            Vector512<float> x;
            if (TRows.Count > 0) { x = Vector512.Create(a[0]); c0l = Avx512F.FusedMultiplyAdd(x, l, c0l); c0h = Avx512F.FusedMultiplyAdd(x, h, c0h); }
            if (TRows.Count > 1) { x = Vector512.Create(a[1]); c1l = Avx512F.FusedMultiplyAdd(x, l, c1l); c1h = Avx512F.FusedMultiplyAdd(x, h, c1h); }
            if (TRows.Count > 2) { x = Vector512.Create(a[2]); c2l = Avx512F.FusedMultiplyAdd(x, l, c2l); c2h = Avx512F.FusedMultiplyAdd(x, h, c2h); }
            if (TRows.Count > 3) { x = Vector512.Create(a[3]); c3l = Avx512F.FusedMultiplyAdd(x, l, c3l); c3h = Avx512F.FusedMultiplyAdd(x, h, c3h); }
            if (TRows.Count > 4) { x = Vector512.Create(a[4]); c4l = Avx512F.FusedMultiplyAdd(x, l, c4l); c4h = Avx512F.FusedMultiplyAdd(x, h, c4h); }
            if (TRows.Count > 5) { x = Vector512.Create(a[5]); c5l = Avx512F.FusedMultiplyAdd(x, l, c5l); c5h = Avx512F.FusedMultiplyAdd(x, h, c5h); }
            if (TRows.Count > 6) { x = Vector512.Create(a[6]); c6l = Avx512F.FusedMultiplyAdd(x, l, c6l); c6h = Avx512F.FusedMultiplyAdd(x, h, c6h); }
            if (TRows.Count > 7) { x = Vector512.Create(a[7]); c7l = Avx512F.FusedMultiplyAdd(x, l, c7l); c7h = Avx512F.FusedMultiplyAdd(x, h, c7h); }
            if (TRows.Count > 8) { x = Vector512.Create(a[8]); c8l = Avx512F.FusedMultiplyAdd(x, l, c8l); c8h = Avx512F.FusedMultiplyAdd(x, h, c8h); }
            if (TRows.Count > 9) { x = Vector512.Create(a[9]); c9l = Avx512F.FusedMultiplyAdd(x, l, c9l); c9h = Avx512F.FusedMultiplyAdd(x, h, c9h); }
            if (TRows.Count > 10) { x = Vector512.Create(a[10]); c10l = Avx512F.FusedMultiplyAdd(x, l, c10l); c10h = Avx512F.FusedMultiplyAdd(x, h, c10h); }
            if (TRows.Count > 11) { x = Vector512.Create(a[11]); c11l = Avx512F.FusedMultiplyAdd(x, l, c11l); c11h = Avx512F.FusedMultiplyAdd(x, h, c11h); }
            if (TRows.Count > 12) { x = Vector512.Create(a[12]); c12l = Avx512F.FusedMultiplyAdd(x, l, c12l); c12h = Avx512F.FusedMultiplyAdd(x, h, c12h); }
            if (TRows.Count > 13) { x = Vector512.Create(a[13]); c13l = Avx512F.FusedMultiplyAdd(x, l, c13l); c13h = Avx512F.FusedMultiplyAdd(x, h, c13h); }
            a += aStep;
            b += bStep;
        }

        if (TRows.Count > 0) { PanelSums.Put(c, c0l, c0h, add); c += ldc; }
        if (TRows.Count > 1) { PanelSums.Put(c, c1l, c1h, add); c += ldc; }
        if (TRows.Count > 2) { PanelSums.Put(c, c2l, c2h, add); c += ldc; }
        if (TRows.Count > 3) { PanelSums.Put(c, c3l, c3h, add); c += ldc; }
        if (TRows.Count > 4) { PanelSums.Put(c, c4l, c4h, add); c += ldc; }
        if (TRows.Count > 5) { PanelSums.Put(c, c5l, c5h, add); c += ldc; }
        if (TRows.Count > 6) { PanelSums.Put(c, c6l, c6h, add); c += ldc; }
        if (TRows.Count > 7) { PanelSums.Put(c, c7l, c7h, add); c += ldc; }
        if (TRows.Count > 8) { PanelSums.Put(c, c8l, c8h, add); c += ldc; }
        if (TRows.Count > 9) { PanelSums.Put(c, c9l, c9h, add); c += ldc; }
        if (TRows.Count > 10) { PanelSums.Put(c, c10l, c10h, add); c += ldc; }
        if (TRows.Count > 11) { PanelSums.Put(c, c11l, c11h, add); c += ldc; }
        if (TRows.Count > 12) { PanelSums.Put(c, c12l, c12h, add); c += ldc; }
        if (TRows.Count > 13) { PanelSums.Put(c, c13l, c13h, add); c += ldc; }
    }

    /// <summary>Asks for 32 floats; an address beyond the operand is harmless.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Touch(float* at)
    {
        Sse.Prefetch0(at);
        Sse.Prefetch0(at + 16);
    }
}
