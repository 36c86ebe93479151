using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Numerics;

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

internal sealed unsafe class ReferenceFill : PlainKernel<FillCall>
{
    protected override void Run(in FillCall call)
    {
        var y = call.Y;
        if (y.Type == DType.F64 && y.IsDense)
        {
            double* p = (double*)y.Address;
            for (long i = 0; i < y.Elements; i++)
                p[i] = call.Value;
            return;
        }
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

internal sealed unsafe class ReferenceCopy : PlainKernel<CopyCall>
{
    protected override void Run(in CopyCall call)
    {
        var (x, y) = (call.X, call.Y);
        if (x.Shape != y.Shape)
            throw new ShapeException(CopyCall.Name, $"{x.Shape} to {y.Shape}");
        Span<long> at = stackalloc long[2];
        var rows = new Odometer(y.Shape, [x, y], at, stackalloc int[Shape.MaxRank]);
        long length = rows.RowLength, stepX = rows.Step(0), stepY = rows.Step(1);
        while (rows.Next())
        {
            if (x.Type == DType.F64 && y.Type == DType.F64)
            {
                double* from = (double*)x.Block.Address + at[0], to = (double*)y.Block.Address + at[1];
                for (long i = 0; i < length; i++)
                    to[i * stepY] = from[i * stepX];
                continue;
            }
            for (long i = 0; i < length; i++)
                Elements.Store(y.Block.Address, y.Type, at[1] + (i * stepY), Elements.Load(x.Block.Address, x.Type, at[0] + (i * stepX)));
        }
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
