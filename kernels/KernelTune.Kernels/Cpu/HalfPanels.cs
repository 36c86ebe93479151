using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>A weight kept in 16 bits, in <see cref="PackedWeight"/>'s panels: half the memory of fp32, the same sums.</summary>
/// <param name="data">BF16 or F16 bits.</param>
/// <param name="k">Columns of W.</param>
/// <param name="isBFloat16">Which of the two.</param>
public readonly unsafe struct HalfPanels(ushort* data, int k, bool isBFloat16) : IPanelSource
{
    public void Decode(InstructionSet set, int panel, int k0, int count, float* to)
    {
        var from = data + ((nint)panel * k + k0) * MatMulTile.Columns;
        if (isBFloat16)
            HalfPrecision.FromBFloat16(from, to, count * MatMulTile.Columns);
        else
            HalfPrecision.FromHalf(from, to, count * MatMulTile.Columns);
    }

    public void DecodeRow(int row, float* to)
    {
        var from = data + (nint)(row / MatMulTile.Columns) * k * MatMulTile.Columns + row % MatMulTile.Columns;
        for (var c = 0; c < k; c++, from += MatMulTile.Columns)
            to[c] = isBFloat16 ? BitConverter.UInt32BitsToSingle((uint)*from << 16) : (float)BitConverter.UInt16BitsToHalf(*from);
    }

    public float* Slice(int panel, int k0) => null;

    public bool TryMultiply(InstructionSet set, int panel, int k0, int count, float* x, float* to, bool add)
    {
        if (!isBFloat16 || set == InstructionSet.Portable)
            return false;
        var from = data + ((nint)panel * k + k0) * MatMulTile.Columns;
        if (set == InstructionSet.Avx512)
            Multiply512(from, count, x, to, add);
        else
            Multiply256(from, count, x, to, add);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply512(ushort* from, nint count, float* x, float* to, bool add)
    {
        Vector512<float> low = default, high = default;
        for (; count > 0; count--, from += MatMulTile.Columns, x++)
        {
            // Ahead of the processor's own prefetching, which does not reach across a page.
            Sse.Prefetch0(from + 1024);
            var v = Vector512.Create(*x);
            low = Avx512F.FusedMultiplyAdd(v, (Avx512F.ConvertToVector512Int32(Vector256.Load(from)) << 16).AsSingle(), low);
            high = Avx512F.FusedMultiplyAdd(v, (Avx512F.ConvertToVector512Int32(Vector256.Load(from + 16)) << 16).AsSingle(), high);
        }
        PanelSums.Put(to, low, high, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply256(ushort* from, nint count, float* x, float* to, bool add)
    {
        Vector256<float> a = default, b = default, c = default, d = default;
        for (; count > 0; count--, from += MatMulTile.Columns, x++)
        {
            Sse.Prefetch0(from + 1024);
            var v = Vector256.Create(*x);
            a = Fma.MultiplyAdd(v, (Avx2.ConvertToVector256Int32(Vector128.Load(from)) << 16).AsSingle(), a);
            b = Fma.MultiplyAdd(v, (Avx2.ConvertToVector256Int32(Vector128.Load(from + 8)) << 16).AsSingle(), b);
            c = Fma.MultiplyAdd(v, (Avx2.ConvertToVector256Int32(Vector128.Load(from + 16)) << 16).AsSingle(), c);
            d = Fma.MultiplyAdd(v, (Avx2.ConvertToVector256Int32(Vector128.Load(from + 24)) << 16).AsSingle(), d);
        }
        PanelSums.Put(to, a, b, c, d, add);
    }
}
