using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>The index of the first maximum of each row; rows whose elements are not neighbours are copied first.</summary>
internal sealed unsafe class CpuArgMax(CpuContext cpu) : LaneKernel<ArgMaxCall>(cpu)
{
    public override long Workspace(in ArgMaxCall call, int threads) => call.X.IsRowDense ? 0 : call.X.Bytes;

    protected override void Run<V>(in ArgMaxCall call, nint workspace)
    {
        var (x, y) = (call.X, call.Y);
        if (x.Type != DType.F32 || y.Type != DType.I64 || x.Shape.Without(-1) != y.Shape || x.Shape[^1] == 0)
            throw new ShapeException(ArgMaxCall.Name, $"the last axis of {x} into {y}");
        float* from = (float*)x.Address;
        if (!x.IsRowDense)
        {
            from = (float*)workspace;
            CpuCopy.ToDense(Cpu.Pool, x, from);
            x = new View(x.Block, x.Type, x.Shape);
        }
        var loop = new Loop<V> { Plan = RowPlan.Of([y, x.Select(-1, 0)], 1), X = from, Y = (long*)y.Address, Count = x.Shape[^1] };
        Cpu.Pool.Run(loop.Plan.Items, ref loop);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public RowPlan Plan;
        public float* X;
        public long* Y;
        public int Count;

        public readonly void Execute(int item, int worker)
        {
            Plan.Piece(item, out long first, out long last, out long from, out long to);
            for (long row = first; row < last; row++)
            {
                float* x = X + Plan.Offset(1, row);
                long* y = Y + Plan.Offset(0, row);
                for (long i = from; i < to; i++)
                    y[i * Plan.Step(0)] = Reductions.ArgMax<V>(x + (i * Plan.Step(1)), Count);
            }
        }
    }
}
