using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;

namespace KernelTune.Devices.Reference;

/// <summary>A kernel of plain loops: it takes every call and needs no workspace.</summary>
internal abstract class PlainKernel<TCall> : IKernel<TCall>
    where TCall : struct, ICall
{
    public bool Suits(in TCall call) => true;

    public long Workspace(in TCall call, int threads) => 0;

    public void Run(in TCall call, nint workspace) => Run(call);

    protected abstract void Run(in TCall call);
}

internal sealed class ReferenceFill : PlainKernel<FillCall>
{
    protected override void Run(in FillCall call)
    {
        var y = call.Y;
        Span<long> at = stackalloc long[1];
        var rows = new Odometer(y.Shape, [y], at, stackalloc int[Shape.MaxRank]);
        while (rows.Next())
        {
            for (int i = 0; i < rows.RowLength; i++)
                Elements.Store(y.Block.Address, y.Type, at[0] + (i * rows.Step(0)), call.Value);
        }
    }
}

internal sealed class ReferenceRamp : PlainKernel<RampCall>
{
    protected override void Run(in RampCall call)
    {
        for (int i = 0; i < call.Y.Shape[0]; i++)
            Elements.Store(call.Y.Block.Address, call.Y.Type, call.Y.Offset + (i * call.Y.Stride(0)), call.Start + (i * call.Step));
    }
}

internal sealed class ReferenceCopy : PlainKernel<CopyCall>
{
    protected override void Run(in CopyCall call)
    {
        var (x, y) = (call.X, call.Y);
        if (x.Shape != y.Shape)
            throw new ShapeException(CopyCall.Name, $"{x.Shape} to {y.Shape}");
        Span<long> at = stackalloc long[2];
        var rows = new Odometer(y.Shape, [x, y], at, stackalloc int[Shape.MaxRank]);
        while (rows.Next())
        {
            for (int i = 0; i < rows.RowLength; i++)
                Elements.Store(y.Block.Address, y.Type, at[1] + (i * rows.Step(1)), Elements.Load(x.Block.Address, x.Type, at[0] + (i * rows.Step(0))));
        }
    }
}

internal sealed class ReferenceReduce : PlainKernel<ReduceCall>
{
    protected override void Run(in ReduceCall call)
    {
        // The reduced axis goes last, so that a row of the odometer is one sum.
        int axis = call.X.Shape.Axis(call.Axis), last = call.X.Rank - 1;
        var (x, y) = (call.X.Transpose(axis, last), call.Y.Transpose(axis, last));
        if (y.Shape != x.Shape.With(last, 1))
            throw new ShapeException(ReduceCall.Name, $"axis {axis} of {call.X.Shape} into {call.Y.Shape}");
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
        while (rows.Next())
        {
            double sum = Start(call.Reduction);
            for (int i = 0; i < rows.RowLength; i++)
            {
                double v = Elements.Load(x.Block.Address, x.Type, at[0] + (i * rows.Step(0)));
                sum = call.Reduction switch
                {
                    Reduction.Sum => sum + v,
                    Reduction.SumOfSquares => sum + (v * v),
                    Reduction.Max => Math.Max(sum, v),
                    _ => Math.Min(sum, v),
                };
            }
            Store(call, y, at[1], sum);
        }
    }

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

internal sealed class ReferenceArgMax : PlainKernel<ArgMaxCall>
{
    protected override void Run(in ArgMaxCall call)
    {
        var (x, y) = (call.X, call.Y.Unsqueeze(call.Y.Rank));
        Span<long> at = stackalloc long[2];
        var rows = new Odometer(x.Shape, [x, y.Broadcast(x.Shape)], at, stackalloc int[Shape.MaxRank]);
        while (rows.Next())
        {
            long best = 0;
            for (int i = 1; i < rows.RowLength; i++)
            {
                if (Elements.Load(x.Block.Address, x.Type, at[0] + (i * rows.Step(0))) > Elements.Load(x.Block.Address, x.Type, at[0] + (best * rows.Step(0))))
                    best = i;
            }
            Elements.Store(y.Block.Address, y.Type, at[1], best);
        }
    }
}
