using ILGPU;

namespace KernelTune.Kernels.Gpu;

/// <summary>The operands of <see cref="LinkRows"/>.</summary>
public struct LinkArgs
{
    public ArrayView<long> Ids;
    public ArrayView<int> Next, Faults;
    public long StartIds, StepIds, Skip;
    public int Count, Rows;
}

/// <summary>
/// Chains equal ids: next[i] = the next position of the same id, Count where there is none; next[Count + i] = 1 where i is the first of its id, else 0. Ids that
/// are skipped or outside the table are nobody's first.
/// </summary>
public readonly struct LinkRows : IGpuKernel<LinkArgs>
{
    public static void Run(LinkArgs args)
    {
        for (int i = (int)GridWalk.First; i < args.Count; i += (int)GridWalk.Stride)
        {
            long id = args.Ids[args.StartIds + (i * args.StepIds)];
            bool inside = id >= 0 && id < args.Rows;
            if (!inside)
                Fault.Report(args.Faults, Fault.ScatterAdd, i, id, args.Rows);
            int next = args.Count;
            for (int j = args.Count - 1; j > i; j--)
            {
                if (args.Ids[args.StartIds + (j * args.StepIds)] == id)
                    next = j;
            }
            int first = inside && id != args.Skip ? 1 : 0;
            for (int j = 0; j < i; j++)
            {
                if (args.Ids[args.StartIds + (j * args.StepIds)] == id)
                    first = 0;
            }
            args.Next[i] = next;
            args.Next[args.Count + i] = first;
        }
    }
}

/// <summary>The operands of <see cref="ScatterAddKernel"/>.</summary>
public struct ScatterAddArgs
{
    public ArrayView<long> Ids;
    public ArrayView<int> Next;
    public ArrayView<G32> X, Table;
    public long StartIds, StepIds, StartX, RowX, StepX, StartTable, RowTable, StepTable;
    public int Count;
    public uint Elements, Columns;
}

/// <summary>table[ids[i], :] += x[i, :]. The thread of an id's first position owns one element of its row, and adds the others in order.</summary>
public readonly struct ScatterAddKernel : IGpuKernel<ScatterAddArgs>
{
    public static void Run(ScatterAddArgs args)
    {
        for (uint e = GridWalk.First; e < args.Elements; e += GridWalk.Stride)
        {
            uint row = e / args.Columns, column = e - (row * args.Columns);
            if (args.Next[args.Count + row] != 0)
            {
                long to = args.StartTable + (args.Ids[args.StartIds + (row * args.StepIds)] * args.RowTable) + (column * args.StepTable);
                G32 sum = args.Table[to];
                for (int i = (int)row; i < args.Count; i = args.Next[i])
                    sum += args.X[args.StartX + (i * args.RowX) + (column * args.StepX)];
                args.Table[to] = sum;
            }
        }
    }
}
