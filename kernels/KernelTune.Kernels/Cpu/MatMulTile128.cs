using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// The portable tile: up to 6 rows × 8 columns of C in vectors of four. FusedMultiplyAdd rounds once on every machine: where the
/// processor lacks the instruction the runtime computes it, slowly.
/// </summary>
internal static unsafe class MatMulTile128
{
    public const int Rows = 6;

    /// <summary>As the AVX-512 tile, for 8 columns.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TRows>(nint k, float* a, nint aStep, float* b, nint bStep, float* c, nint ldc, bool add)
        where TRows : struct, ITileRows
    {
        Vector128<float> c0l = default, c0h = default;
        Vector128<float> c1l = default, c1h = default;
        Vector128<float> c2l = default, c2h = default;
        Vector128<float> c3l = default, c3h = default;
        Vector128<float> c4l = default, c4h = default;
        Vector128<float> c5l = default, c5h = default;
        for (; k > 0; k--)
        {
            var l = Vector128.Load(b);
            var h = Vector128.Load(b + 4);
            Vector128<float> x;
            if (TRows.Count > 0) { x = Vector128.Create(a[0]); c0l = Vector128.FusedMultiplyAdd(x, l, c0l); c0h = Vector128.FusedMultiplyAdd(x, h, c0h); }
            if (TRows.Count > 1) { x = Vector128.Create(a[1]); c1l = Vector128.FusedMultiplyAdd(x, l, c1l); c1h = Vector128.FusedMultiplyAdd(x, h, c1h); }
            if (TRows.Count > 2) { x = Vector128.Create(a[2]); c2l = Vector128.FusedMultiplyAdd(x, l, c2l); c2h = Vector128.FusedMultiplyAdd(x, h, c2h); }
            if (TRows.Count > 3) { x = Vector128.Create(a[3]); c3l = Vector128.FusedMultiplyAdd(x, l, c3l); c3h = Vector128.FusedMultiplyAdd(x, h, c3h); }
            if (TRows.Count > 4) { x = Vector128.Create(a[4]); c4l = Vector128.FusedMultiplyAdd(x, l, c4l); c4h = Vector128.FusedMultiplyAdd(x, h, c4h); }
            if (TRows.Count > 5) { x = Vector128.Create(a[5]); c5l = Vector128.FusedMultiplyAdd(x, l, c5l); c5h = Vector128.FusedMultiplyAdd(x, h, c5h); }
            a += aStep;
            b += bStep;
        }

        if (TRows.Count > 0) { Put(c, c0l, c0h, add); c += ldc; }
        if (TRows.Count > 1) { Put(c, c1l, c1h, add); c += ldc; }
        if (TRows.Count > 2) { Put(c, c2l, c2h, add); c += ldc; }
        if (TRows.Count > 3) { Put(c, c3l, c3h, add); c += ldc; }
        if (TRows.Count > 4) { Put(c, c4l, c4h, add); c += ldc; }
        if (TRows.Count > 5) { Put(c, c5l, c5h, add); c += ldc; }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* c, Vector128<float> l, Vector128<float> h, bool add)
    {
        if (add)
        {
            l = Vector128.Load(c) + l;
            h = Vector128.Load(c + 4) + h;
        }
        l.Store(c);
        h.Store(c + 4);
    }
}
