using System.Numerics;
using System.Runtime.InteropServices;
using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Reference;

/// <summary>C = A·B in double, row by row: a dot product where both run along k, else a sum of scaled rows of B.</summary>
internal sealed unsafe class ReferenceMatMul : PlainKernel<MatMulCall>
{
    protected override void Run(in MatMulCall call)
    {
        var (a, b, c) = (call.A, call.B, call.C);
        MatMulCall.Check(a, b, c);
        int m = a.Shape[^2], n = b.Shape[^1], k = a.Shape[^1];
        if (a.Type != DType.F64 || b.Type != DType.F64 || c.Type != DType.F64)
            throw new DeviceException("reference", $"matmul of {a.Type} and {b.Type} into {c.Type}");
        if (a.Rank > 2)
        {
            for (int i = 0; i < c.Shape[0]; i++)
                Run(new MatMulCall(a.Select(0, i), b.Select(0, i), c.Select(0, i), call.Accumulate));
            return;
        }
        var row = new double[n];
        var column = new double[k];
        for (int i = 0; i < m; i++)
        {
            Array.Clear(row);
            double* pa = (double*)a.Block.Address + a.Offset + (i * a.Stride(0));
            long aStep = a.Stride(1);
            double* pb = (double*)b.Block.Address + b.Offset;
            if (b.Stride(0) == 1 && n > 1)
            {
                for (int p = 0; p < k; p++)
                    column[p] = pa[p * aStep];
                for (int j = 0; j < n; j++)
                    row[j] = Dot(column, new ReadOnlySpan<double>(pb + (j * b.Stride(1)), k));
            }
            else
            {
                for (int p = 0; p < k; p++)
                    AddScaled(row, pa[p * aStep], pb + (p * b.Stride(0)), b.Stride(1));
            }
            double* pc = (double*)c.Block.Address + c.Offset + (i * c.Stride(0));
            for (int j = 0; j < n; j++)
                pc[j * c.Stride(1)] = call.Accumulate ? pc[j * c.Stride(1)] + row[j] : row[j];
        }
    }

    private static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        var vx = MemoryMarshal.Cast<double, Vector<double>>(x);
        var vy = MemoryMarshal.Cast<double, Vector<double>>(y);
        var sum = Vector<double>.Zero;
        for (int i = 0; i < vx.Length; i++)
            sum += vx[i] * vy[i];
        double total = Vector.Sum(sum);
        for (int i = vx.Length * Vector<double>.Count; i < x.Length; i++)
            total += x[i] * y[i];
        return total;
    }

    private static void AddScaled(Span<double> y, double s, double* x, long step)
    {
        if (step != 1)
        {
            for (int i = 0; i < y.Length; i++)
                y[i] += s * x[i * step];
            return;
        }
        var vy = MemoryMarshal.Cast<double, Vector<double>>(y);
        var vx = MemoryMarshal.Cast<double, Vector<double>>(new ReadOnlySpan<double>(x, y.Length));
        for (int i = 0; i < vy.Length; i++)
            vy[i] += s * vx[i];
        for (int i = vy.Length * Vector<double>.Count; i < y.Length; i++)
            y[i] += s * x[i];
    }
}

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

internal sealed class ReferenceScatterAdd : PlainKernel<ScatterAddCall>
{
    protected override void Run(in ScatterAddCall call)
    {
        var (x, table) = (call.X, call.Table);
        for (int i = 0; i < x.Shape[0]; i++)
        {
            int row = ReferenceGather.RowOf(call.Ids, i, table.Shape[0], ScatterAddCall.Name);
            if (row == call.Skip)
                continue;
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
