using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Reference;

/// <summary>One sum, maximum or minimum after another, in order.</summary>
internal sealed unsafe class ReferenceReduce : PlainKernel<ReduceCall>
{
    protected override void Run(in ReduceCall call)
    {
        int axis = call.X.Shape.Axis(call.Axis), last = call.X.Rank - 1;
        if (call.Y.Shape != call.X.Shape.With(axis, 1))
            throw new ShapeException(ReduceCall.Name, $"axis {axis} of {call.X.Shape} into {call.Y.Shape}");
        if (call.X.Shape[axis] > 0 && axis != last && call.X.Type == DType.F64 && call.Y.Type == DType.F64)
        {
            Across(call, axis);
            return;
        }

        // The reduced axis goes last, so that a row of the odometer is one sum.
        var (x, y) = (call.X.Transpose(axis, last), call.Y.Transpose(axis, last));
        Span<long> at = stackalloc long[2];
        Span<long> atEmpty = stackalloc long[1];
        if (x.Shape[last] == 0)
        {
            var empty = new Odometer(y.Shape, [y], atEmpty, stackalloc int[Shape.MaxRank]);
            while (empty.Next())
                Store(call, y, atEmpty[0], Start(call.Reduction));
            return;
        }
        var rows = new Odometer(x.Shape, [x, y.Broadcast(x.Shape)], at, stackalloc int[Shape.MaxRank]);
        long length = rows.RowLength, step = rows.Step(0);
        var reduction = call.Reduction;
        while (rows.Next())
        {
            double sum = Start(reduction);
            if (x.Type == DType.F64)
            {
                double* p = (double*)x.Block.Address + at[0];
                for (long i = 0; i < length; i++)
                    sum = With(reduction, sum, p[i * step]);
            }
            else
            {
                for (long i = 0; i < length; i++)
                    sum = With(reduction, sum, Elements.Load(x.Block.Address, x.Type, at[0] + (i * step)));
            }
            Store(call, y, at[1], sum);
        }
    }

    // Another axis than the last: whole rows are added to rows of y, in the same order of each sum.
    private static void Across(in ReduceCall call, int axis)
    {
        var (x, y) = (call.X, call.Y);
        if (!call.Accumulate)
            new ReferenceFill().Run(new FillCall(y, Start(call.Reduction)), 0);
        Span<long> at = stackalloc long[2];
        var rows = new Odometer(x.Shape, [x, y.Broadcast(x.Shape)], at, stackalloc int[Shape.MaxRank]);
        long length = rows.RowLength, stepX = rows.Step(0), stepY = rows.Step(1);
        var reduction = call.Reduction;
        while (rows.Next())
        {
            double* from = (double*)x.Block.Address + at[0], to = (double*)y.Block.Address + at[1];
            for (long i = 0; i < length; i++)
                to[i * stepY] = With(reduction, to[i * stepY], from[i * stepX]);
        }
    }

    private static double With(Reduction reduction, double sum, double v) => reduction switch
    {
        Reduction.Sum => sum + v,
        Reduction.SumOfSquares => sum + (v * v),
        Reduction.Max => Math.Max(sum, v),
        _ => Math.Min(sum, v),
    };

    private static double Start(Reduction reduction) => reduction switch
    {
        Reduction.Max => double.NegativeInfinity,
        Reduction.Min => double.PositiveInfinity,
        _ => 0,
    };

    private static void Store(in ReduceCall call, in View y, long at, double value)
    {
        if (call.Accumulate)
            value += Elements.Load(y.Block.Address, y.Type, at);
        Elements.Store(y.Block.Address, y.Type, at, value);
    }
}
