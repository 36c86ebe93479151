using KernelTune.Devices.Calls;
using KernelTune.Kernels.Gpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Gpu;

/// <summary>Rows of a table by their ids. An id outside the table is thrown at the device's next read.</summary>
internal sealed class GpuGather(GpuContext gpu) : GpuCallKernel<GatherCall>(gpu)
{
    public override void Run(in GatherCall call, nint workspace)
    {
        var (ids, y, table) = (call.Ids, call.Y, call.Table);
        if (ids.Type != DType.I64 || y.Rank != 2 || ids.Rank != 1 || ids.Shape[0] != y.Shape[0] || table.Columns != y.Shape[1])
            throw new ShapeException(GatherCall.Name, $"rows {ids} of [{table.Rows}, {table.Columns}] into {y}");
        if (table.Packed is not null)
            throw Gpu.Unsupported(GatherCall.Name, "packed panels");
        if (table.Dense.Type != y.Type)
            throw new ShapeException(GatherCall.Name, $"{table.Dense.Type} rows into {y.Type}");
        switch (y.Type.Size())
        {
            case 8: Launch<ulong>(call); break;
            case 4: Launch<uint>(call); break;
            case 2: Launch<ushort>(call); break;
            default: Launch<byte>(call); break;
        }
    }

    private void Launch<T>(in GatherCall call)
        where T : unmanaged
    {
        var (ids, y, table) = (call.Ids, call.Y, call.Table.Dense);
        if (y.Elements == 0)
            return;
        var args = new GatherArgs<T>
        {
            Table = Gpu.Of<T>(table),
            Y = Gpu.Of<T>(y),
            Ids = Gpu.Of<long>(ids),
            Faults = Gpu.Faults,
            StartTable = table.Offset,
            RowTable = table.Stride(0),
            StepTable = table.Stride(1),
            StartY = y.Offset,
            RowY = y.Stride(0),
            StepY = y.Stride(1),
            StartIds = ids.Offset,
            StepIds = ids.Stride(0),
            Count = Walks.Count(GatherCall.Name, y),
            Columns = (uint)y.Shape[1],
            Rows = table.Shape[0],
        };
        Launcher.Walk<GatherKernel<T>, GatherArgs<T>>(args, args.Count);
        Gpu.ExpectFaults();
    }
}

/// <summary>Rows added to a table, one owner a row. An id outside the table is thrown at the device's next read.</summary>
internal sealed class GpuScatterAdd(GpuContext gpu) : GpuCallKernel<ScatterAddCall>(gpu)
{
    public override long Workspace(in ScatterAddCall call, int threads) => 2L * sizeof(int) * call.X.Shape[0];

    public override void Run(in ScatterAddCall call, nint workspace)
    {
        var (x, ids, table) = (call.X, call.Ids, call.Table);
        if (x.Type != DType.F32 || table.Type != DType.F32 || ids.Type != DType.I64 || x.Rank != 2 || table.Rank != 2 || ids.Rank != 1
            || ids.Shape[0] != x.Shape[0] || table.Shape[1] != x.Shape[1])
            throw new ShapeException(ScatterAddCall.Name, $"{x} at {ids} into {table}");
        if (x.Elements == 0)
            return;
        var next = Gpu.Memory.At<int>(workspace, 2L * sizeof(int) * x.Shape[0]);
        var link = new LinkArgs
        {
            Ids = Gpu.Of<long>(ids),
            Next = next,
            Faults = Gpu.Faults,
            StartIds = ids.Offset,
            StepIds = ids.Stride(0),
            Skip = call.Skip,
            Count = x.Shape[0],
            Rows = table.Shape[0],
        };
        Launcher.Walk<LinkRows, LinkArgs>(link, link.Count);
        Gpu.ExpectFaults();
        var args = new ScatterAddArgs
        {
            Ids = link.Ids,
            Next = next,
            X = Gpu.Of<G32>(x),
            Table = Gpu.Of<G32>(table),
            StartIds = ids.Offset,
            StepIds = ids.Stride(0),
            StartX = x.Offset,
            RowX = x.Stride(0),
            StepX = x.Stride(1),
            StartTable = table.Offset,
            RowTable = table.Stride(0),
            StepTable = table.Stride(1),
            Count = x.Shape[0],
            Elements = Walks.Count(ScatterAddCall.Name, x),
            Columns = (uint)x.Shape[1],
        };
        Launcher.Walk<ScatterAddKernel, ScatterAddArgs>(args, args.Elements);
    }
}

/// <summary>The limit of kernels that walk a range in one launch.</summary>
internal static class Walks
{
    /// <summary>The elements of a view.</summary>
    /// <exception cref="ShapeException">2^31 or more.</exception>
    public static uint Count(string call, in View view) => view.Elements <= int.MaxValue
        ? (uint)view.Elements
        : throw new ShapeException(call, $"{view}: {view.Elements:N0} elements, fewer than 2^31 wanted");
}
