using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Devices.Cpu;

/// <summary>Sums over rows in two steps: a partial row for each group of rows, then the sum of the partial rows in order.</summary>
internal static unsafe class PartialRows
{
    private const int Strip = 256;

    public static int Groups(long rows, int rowsOfGroup) => checked((int)((rows + rowsOfGroup - 1) / rowsOfGroup));

    /// <summary>Bytes of the partial rows of a view's rows.</summary>
    public static long Bytes(in View view, int rowsOfGroup)
    {
        view.TryMatrix(out long rows, out _);
        return (long)Groups(rows, rowsOfGroup) * view.Shape[^1] * sizeof(float);
    }

    /// <summary>y[c] = Σ over groups of partial[group, c], added to y where <paramref name="accumulate"/>.</summary>
    public static void Sum<V>(WorkerPool pool, float* partial, int groups, int columns, float* y, bool accumulate)
        where V : struct, IRowLane<V>
    {
        var loop = new Loop<V> { Partial = partial, Groups = groups, Columns = columns, Y = y, Add = accumulate };
        pool.Run((columns + Strip - 1) / Strip, ref loop);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public float* Partial, Y;
        public int Groups, Columns;
        public bool Add;

        public readonly void Execute(int item, int worker)
        {
            int first = item * Strip;
            Reductions.Columns<V>(ReductionKind.Sum, Partial + first, Columns, Groups, Y + first, Math.Min(Strip, Columns - first), Add);
        }
    }
}
