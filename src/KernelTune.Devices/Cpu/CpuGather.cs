using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>Rows of a table, dense or packed, by their ids.</summary>
internal sealed unsafe class CpuGather(CpuContext cpu) : CpuKernel<GatherCall>(cpu)
{
    public override void Run(in GatherCall call, nint workspace)
    {
        var (ids, y, table) = (call.Ids, call.Y, call.Table);
        if (ids.Type != DType.I64 || y.Rank != 2 || ids.Rank != 1 || ids.Shape[0] != y.Shape[0] || table.Columns != y.Shape[1])
            throw new ShapeException(GatherCall.Name, $"rows {ids} of [{table.Rows}, {table.Columns}] into {y}");
        if (table.Packed is null && table.Dense.Type != y.Type)
            throw new ShapeException(GatherCall.Name, $"{table.Dense.Type} rows into {y.Type}");
        CheckIds(ids, table.Rows, GatherCall.Name);
        if (table.Packed is { IsFloat: false })
        {
            if (!y.IsRowDense)
                throw new DeviceException("cpu", $"gather into {y}: rows must be dense");
            var look = new LookUp { Pool = Cpu.Pool, Ids = ids, Y = y };
            DecodedPanels.Use(table.Packed, ref look);
            return;
        }
        var loop = new Loop
        {
            Ids = (long*)ids.Address,
            IdStep = ids.Stride(0),
            Y = (byte*)y.Address,
            RowY = y.Stride(0),
            StepY = y.Stride(1),
            Rows = y.Shape[0],
            Columns = y.Shape[1],
            Size = y.Type.Size(),
            AtOnce = Math.Max(1, 16384 / Math.Max(1, y.Shape[1])),
            Panels = table.Packed is { } packed ? (float*)packed.Block.Address : null,
        };
        if (table.Packed is null)
        {
            loop.Table = (byte*)table.Dense.Address;
            (loop.RowTable, loop.StepTable) = (table.Dense.Stride(0), table.Dense.Stride(1));
        }
        Cpu.Pool.Run((loop.Rows + loop.AtOnce - 1) / loop.AtOnce, ref loop);
    }

    /// <summary>Refuses an id outside the table, naming its place.</summary>
    public static void CheckIds(in View ids, int rows, string operation)
    {
        long* p = (long*)ids.Address;
        long step = ids.Stride(0);
        for (int i = 0; i < ids.Shape[0]; i++)
        {
            if ((ulong)p[i * step] >= (ulong)rows)
                throw new ShapeException(operation, $"id {p[i * step]} at position {i} is outside the table's {rows} rows");
        }
    }

    private struct LookUp : IPanelUse
    {
        public WorkerPool Pool;
        public View Ids, Y;

        public readonly void With<TSource>(TSource source)
            where TSource : struct, IPanelSource
        {
            int atOnce = Math.Max(1, 16384 / Math.Max(1, Y.Shape[1]));
            var loop = new LookUpLoop<TSource>
            {
                Source = source, Ids = (long*)Ids.Address, IdStep = Ids.Stride(0), Y = (float*)Y.Address, RowY = Y.Shape[0] == 1 ? 0 : Y.Stride(0), Rows = Y.Shape[0], AtOnce = atOnce,
            };
            Pool.Run((loop.Rows + atOnce - 1) / atOnce, ref loop);
        }
    }

    private struct LookUpLoop<TSource> : IParallelBody
        where TSource : struct, IPanelSource
    {
        public TSource Source;
        public long* Ids;
        public float* Y;
        public long IdStep, RowY;
        public int Rows, AtOnce;

        public readonly void Execute(int item, int worker)
        {
            for (int i = item * AtOnce; i < Math.Min((item + 1) * AtOnce, Rows); i++)
                Source.DecodeRow((int)Ids[i * IdStep], Y + (i * RowY));
        }
    }

    private struct Loop : IParallelBody
    {
        public long* Ids;
        public byte* Y, Table;
        public float* Panels;
        public long IdStep, RowY, StepY, RowTable, StepTable;
        public int Rows, Columns, Size, AtOnce;

        public readonly void Execute(int item, int worker)
        {
            for (int i = item * AtOnce; i < Math.Min((item + 1) * AtOnce, Rows); i++)
            {
                long id = Ids[i * IdStep];
                byte* y = Y + (i * RowY * Size);
                if (Panels is null)
                {
                    StridedCopy.Copy(Table + (id * RowTable * Size), StepTable, y, StepY, Columns, Size);
                    continue;
                }
                float* from = Panels + (((id / PackedMatrix.PanelRows * Columns) * PackedMatrix.PanelRows) + (id % PackedMatrix.PanelRows));
                StridedCopy.Copy((byte*)from, PackedMatrix.PanelRows, y, StepY, Columns, Size);
            }
        }
    }
}

/// <summary>Rows added to a table. Each piece of work owns some columns of the whole table and takes the rows in order.</summary>
internal sealed unsafe class CpuScatterAdd(CpuContext cpu) : LaneKernel<ScatterAddCall>(cpu)
{
    private const int Strip = 128;

    protected override void Run<V>(in ScatterAddCall call, nint workspace)
    {
        var (x, ids, table) = (call.X, call.Ids, call.Table);
        if (x.Type != DType.F32 || table.Type != DType.F32 || ids.Type != DType.I64 || x.Rank != 2 || table.Rank != 2 || ids.Rank != 1
            || ids.Shape[0] != x.Shape[0] || table.Shape[1] != x.Shape[1])
            throw new ShapeException(ScatterAddCall.Name, $"{x} at {ids} into {table}");
        CpuGather.CheckIds(ids, table.Shape[0], ScatterAddCall.Name);
        var loop = new Loop<V>
        {
            Ids = (long*)ids.Address,
            IdStep = ids.Stride(0),
            X = (float*)x.Address,
            RowX = x.Stride(0),
            StepX = x.Stride(1),
            Table = (float*)table.Address,
            RowTable = table.Stride(0),
            StepTable = table.Stride(1),
            Rows = x.Shape[0],
            Columns = x.Shape[1],
            Skip = call.Skip,
        };
        Cpu.Pool.Run((loop.Columns + Strip - 1) / Strip, ref loop);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public long* Ids;
        public float* X, Table;
        public long IdStep, RowX, StepX, RowTable, StepTable;
        public int Rows, Columns, Skip;

        public readonly void Execute(int item, int worker)
        {
            int first = item * Strip, count = Math.Min(Strip, Columns - first);
            if (IdStep == 1 && StepX == 1 && StepTable == 1)
            {
                EmbeddingRows.ScatterAdd<V>(X, RowX, Ids, Rows, Table, RowTable, first, first + count, Skip);
                return;
            }
            for (int i = 0; i < Rows; i++)
            {
                long id = Ids[i * IdStep];
                if (id == Skip)
                    continue;
                float* to = Table + (id * RowTable) + (first * StepTable);
                float* from = X + (i * RowX) + (first * StepX);
                for (int j = 0; j < count; j++)
                    to[j * StepTable] += from[j * StepX];
            }
        }
    }
}
