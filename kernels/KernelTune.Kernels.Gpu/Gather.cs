using ILGPU;

namespace KernelTune.Kernels.Gpu;

/// <summary>The operands of <see cref="GatherKernel{T}"/>.</summary>
public struct GatherArgs<T>
    where T : unmanaged
{
    public ArrayView<T> Table, Y;
    public ArrayView<long> Ids;
    public ArrayView<int> Faults;
    public long StartTable, RowTable, StepTable, StartY, RowY, StepY, StartIds, StepIds;
    public uint Count, Columns;
    public int Rows;
}

/// <summary>y[i, :] = table[ids[i], :], bit for bit. An id outside the table is a fault, and its row is left as it was.</summary>
public readonly struct GatherKernel<T> : IGpuKernel<GatherArgs<T>>
    where T : unmanaged
{
    public static void Run(GatherArgs<T> args)
    {
        for (uint i = GridWalk.First; i < args.Count; i += GridWalk.Stride)
        {
            uint row = i / args.Columns, column = i - (row * args.Columns);
            long id = args.Ids[args.StartIds + (row * args.StepIds)];
            long to = args.StartY + (row * args.RowY) + (column * args.StepY);
            if (id >= 0 && id < args.Rows)
                args.Y[to] = args.Table[args.StartTable + (id * args.RowTable) + (column * args.StepTable)];
            else
                Fault.Report(args.Faults, Fault.Gather, (int)row, id, args.Rows);
        }
    }
}
