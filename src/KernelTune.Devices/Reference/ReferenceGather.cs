using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Reference;

internal sealed class ReferenceGather : PlainKernel<GatherCall>
{
    protected override void Run(in GatherCall call)
    {
        var table = call.Table.Dense;
        for (int i = 0; i < call.Y.Shape[0]; i++)
            new ReferenceCopy().Run(new CopyCall(table.Select(0, RowOf(call.Ids, i, table.Shape[0], GatherCall.Name)), call.Y.Select(0, i)), 0);
    }

    public static int RowOf(in View ids, int i, int rows, string operation)
    {
        long id = (long)Elements.Load(ids.Block.Address, ids.Type, ids.Offset + (i * ids.Stride(0)));
        return id >= 0 && id < rows ? (int)id : throw new ShapeException(operation, $"id {id} at position {i} is outside the table's {rows} rows");
    }
}

internal sealed unsafe class ReferenceScatterAdd : PlainKernel<ScatterAddCall>
{
    protected override void Run(in ScatterAddCall call)
    {
        var (x, table) = (call.X, call.Table);
        for (int i = 0; i < x.Shape[0]; i++)
        {
            int row = ReferenceGather.RowOf(call.Ids, i, table.Shape[0], ScatterAddCall.Name);
            if (row == call.Skip)
                continue;
            if (x.Type == DType.F64 && table.Type == DType.F64)
            {
                double* from = (double*)x.Block.Address + x.Offset + (i * x.Stride(0)), into = (double*)table.Block.Address + table.Offset + (row * table.Stride(0));
                for (int j = 0; j < x.Shape[1]; j++)
                    into[j * table.Stride(1)] += from[j * x.Stride(1)];
                continue;
            }
            for (int j = 0; j < x.Shape[1]; j++)
            {
                long to = table.Offset + (row * table.Stride(0)) + (j * table.Stride(1));
                double sum = Elements.Load(table.Block.Address, table.Type, to)
                    + Elements.Load(x.Block.Address, x.Type, x.Offset + (i * x.Stride(0)) + (j * x.Stride(1)));
                Elements.Store(table.Block.Address, table.Type, to, sum);
            }
        }
    }
}
