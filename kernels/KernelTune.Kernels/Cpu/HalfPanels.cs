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
}
