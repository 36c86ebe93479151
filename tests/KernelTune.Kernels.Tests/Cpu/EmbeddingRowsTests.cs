using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Tests.Cpu;

public sealed unsafe class EmbeddingRowsTests
{
    private sealed record Case(float[] X, long[] Ids, int Columns, int TableRows, int Cut, long Skip) : IKernelCase
    {
        public float[] Run<V>() where V : struct, IRowLane<V>
        {
            float[] table = new float[TableRows * Columns];
            fixed (float* x = X, t = table)
            fixed (long* ids = Ids)
            {
                EmbeddingRows.ScatterAdd<V>(x, Columns, ids, Ids.Length, t, Columns, 0, Cut, Skip);
                EmbeddingRows.ScatterAdd<V>(x, Columns, ids, Ids.Length, t, Columns, Cut, Columns, Skip);
            }

            return table;
        }
    }

    [Test]
    public void Repeated_ids_add_up_in_order([Values(0, 1, 16, 37)] int cut, [Values(-1, 2)] int skip)
    {
        const int columns = 37;
        long[] ids = [2, 0, 2, 3, 2, 0];
        float[] x = Lanes16.Random(1, ids.Length * columns, 1000);
        float[] expected = new float[4 * columns];
        for (int i = 0; i < ids.Length; i++)
        for (int c = 0; c < columns && ids[i] != skip; c++)
            expected[ids[i] * columns + c] += x[i * columns + c];
        Assert.That(Lanes16.Same(new Case(x, ids, columns, 4, cut, skip)), Is.EqualTo(expected));
    }

    [Test]
    public void Rows_of_sixteen_bits_are_widened([Values(DType.F32, DType.BF16, DType.F16)] DType type)
    {
        const int columns = 11;
        long[] ids = [3, 1];
        float[] values = Lanes16.Random(1, 4 * columns), y = new float[2 * columns];
        ushort[] narrow = [.. values.Select(v => type == DType.BF16 ? ((BFloat16)v).Bits : BitConverter.HalfToUInt16Bits((Half)v))];
        fixed (float* v = values, py = y)
        fixed (ushort* n = narrow)
        fixed (long* i = ids) EmbeddingRows.Gather(type == DType.F32 ? v : n, type, columns, i, py, columns, 0, 2, columns);
        for (int i = 0; i < 2; i++)
        for (int c = 0; c < columns; c++)
        {
            float stored = values[ids[i] * columns + c];
            Assert.That(y[i * columns + c], Is.EqualTo(type switch { DType.F32 => stored, DType.BF16 => (BFloat16)stored, _ => (float)(Half)stored }));
        }
    }
}
