using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;

namespace KernelTune.Devices.Reference;

internal sealed class ReferenceScan : PlainKernel<ScanCall>
{
    protected override void Run(in ScanCall call)
    {
        ScanCall.Check(call.X, call.Y);
        var (x, y) = (call.X.Transpose(call.Axis, -1), call.Y.Transpose(call.Axis, -1));
        Span<long> at = stackalloc long[2];
        var rows = new Odometer(x.Shape, [x, y], at, stackalloc int[Shape.MaxRank]);
        while (rows.Next())
        {
            double sum = 0;
            for (int i = 0; i < rows.RowLength; i++)
            {
                int place = call.Reverse ? rows.RowLength - 1 - i : i;
                sum += Elements.Load(x.Block.Address, x.Type, at[0] + (place * rows.Step(0)));
                Elements.Store(y.Block.Address, y.Type, at[1] + (place * rows.Step(1)), sum);
            }
        }
    }
}

internal sealed class ReferenceSort : PlainKernel<SortCall>
{
    protected override void Run(in SortCall call)
    {
        SortCall.Check(call.X, call.Values, call.Index);
        var (x, values, index) = (call.X, call.Values, call.Index);
        Span<long> at = stackalloc long[3];
        var rows = new Odometer(x.Shape, [x, values, index], at, stackalloc int[Shape.MaxRank]);
        while (rows.Next())
        {
            var row = new double[rows.RowLength];
            for (int i = 0; i < row.Length; i++)
                row[i] = Elements.Load(x.Block.Address, x.Type, at[0] + (i * rows.Step(0)));
            // LINQ's order is stable; it takes NaN for the least.
            var places = Enumerable.Range(0, row.Length);
            int[] order = [.. call.Descending
                ? places.OrderByDescending(i => double.IsNaN(row[i])).ThenByDescending(i => row[i])
                : places.OrderBy(i => double.IsNaN(row[i])).ThenBy(i => row[i])];
            for (int i = 0; i < order.Length; i++)
            {
                Elements.Store(values.Block.Address, values.Type, at[1] + (i * rows.Step(1)), row[order[i]]);
                Elements.Store(index.Block.Address, index.Type, at[2] + (i * rows.Step(2)), order[i]);
            }
        }
    }
}
