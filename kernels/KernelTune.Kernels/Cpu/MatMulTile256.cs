using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace KernelTune.Kernels.Cpu;

/// <summary>The AVX2 tile: up to 6 rows × 16 columns of C in 12 registers, two of B, one broadcast of A.</summary>
internal static unsafe class MatMulTile256
{
    public const int Rows = 6;

    /// <summary>As the AVX-512 tile, for 16 columns.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TRows>(nint k, float* a, nint aStep, float* b, nint bStep, float* c, nint ldc, bool add)
        where TRows : struct, ITileRows
    {
        Vector256<float> c0l = default, c0h = default;
        Vector256<float> c1l = default, c1h = default;
        Vector256<float> c2l = default, c2h = default;
        Vector256<float> c3l = default, c3h = default;
        Vector256<float> c4l = default, c4h = default;
        Vector256<float> c5l = default, c5h = default;
        for (; k > 0; k--)
        {
            var l = Vector256.Load(b);
            var h = Vector256.Load(b + 8);
            Vector256<float> x;
            if (TRows.Count > 0) { x = Vector256.Create(a[0]); c0l = Fma.MultiplyAdd(x, l, c0l); c0h = Fma.MultiplyAdd(x, h, c0h); }
            if (TRows.Count > 1) { x = Vector256.Create(a[1]); c1l = Fma.MultiplyAdd(x, l, c1l); c1h = Fma.MultiplyAdd(x, h, c1h); }
            if (TRows.Count > 2) { x = Vector256.Create(a[2]); c2l = Fma.MultiplyAdd(x, l, c2l); c2h = Fma.MultiplyAdd(x, h, c2h); }
            if (TRows.Count > 3) { x = Vector256.Create(a[3]); c3l = Fma.MultiplyAdd(x, l, c3l); c3h = Fma.MultiplyAdd(x, h, c3h); }
            if (TRows.Count > 4) { x = Vector256.Create(a[4]); c4l = Fma.MultiplyAdd(x, l, c4l); c4h = Fma.MultiplyAdd(x, h, c4h); }
            if (TRows.Count > 5) { x = Vector256.Create(a[5]); c5l = Fma.MultiplyAdd(x, l, c5l); c5h = Fma.MultiplyAdd(x, h, c5h); }
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
    private static void Put(float* c, Vector256<float> l, Vector256<float> h, bool add)
    {
        if (add)
        {
            l = Avx.Add(Vector256.Load(c), l);
            h = Avx.Add(Vector256.Load(c + 8), h);
        }
        l.Store(c);
        h.Store(c + 8);
    }
}
