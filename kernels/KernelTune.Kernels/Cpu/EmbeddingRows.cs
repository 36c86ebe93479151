using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>Rows of a table, by id.</summary>
public static unsafe class EmbeddingRows
{
    /// <summary>y[i, :] = table[ids[i], :] for i in [start, end). table: F32, BF16 or F16, rows every tableStep elements, dense within a row.</summary>
    public static void Gather(void* table, DType type, long tableStep, long* ids, float* y, long yStep, long start, long end, int columns)
    {
        for (long i = start; i < end; i++)
        {
            long at = ids[i] * tableStep;
            float* to = y + i * yStep;
            switch (type)
            {
                case DType.BF16: HalfPrecision.FromBFloat16((ushort*)table + at, to, columns); break;
                case DType.F16: HalfPrecision.FromHalf((ushort*)table + at, to, columns); break;
                default: new ReadOnlySpan<float>((float*)table + at, columns).CopyTo(new Span<float>(to, columns)); break;
            }
        }
    }

    /// <summary>
    /// table[ids[i], c] += x[i, c] for all i in order and c in [from, to): a destination has one owner, the thread that has its columns, so the sums have
    /// the same bits for any number of threads. Rows whose id is skip add nothing.
    /// </summary>
    public static void ScatterAdd<V>(float* x, long xStep, long* ids, long count, float* table, long tableStep, int from, int to, long skip) where V : struct, IRowLane<V>
    {
        for (long i = 0; i < count; i++)
        {
            if (ids[i] == skip) continue;
            float* row = table + ids[i] * tableStep + from;
            RowLoops.Map<V, Added>(x + i * xStep + from, row, row, row, to - from);
        }
    }

    private readonly struct Added : IRowFormula
    {
        public static int Inputs => 2;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V a, V b, V c, V p, V q, V r) where V : struct, ILane<V> => b + a;
    }
}
