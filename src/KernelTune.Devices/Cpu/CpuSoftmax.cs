using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Devices.Cpu;

/// <summary>Softmax or its logarithm over the last axis.</summary>
internal sealed unsafe class CpuSoftmax(CpuContext cpu) : LaneKernel<SoftmaxCall>(cpu)
{
    public override bool Suits(in SoftmaxCall call) => RowMatrix.Suits(call.X) && RowMatrix.Suits(call.Y);

    protected override void Run<V>(in SoftmaxCall call, nint workspace)
    {
        if (call.X.Elements == 0)
            return;
        var loop = new Loop<V> { X = new(call.X), Y = new(call.Y), Log = call.Log, EmptyIsZero = call.EmptyIsZero };
        Cpu.Pool.Run(loop.X.Items, ref loop);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public RowMatrix X, Y;
        public bool Log, EmptyIsZero;

        public readonly void Execute(int item, int worker)
        {
            long first = item * X.RowsAtOnce;
            Softmax.Forward<V>(X.Start, X.Step, Y.Start, Y.Step, first, Math.Min(first + X.RowsAtOnce, X.Rows), X.Columns, Log, EmptyIsZero);
        }
    }
}

/// <summary>dX of softmax.</summary>
internal sealed unsafe class CpuSoftmaxGrad(CpuContext cpu) : LaneKernel<SoftmaxGradCall>(cpu)
{
    public override bool Suits(in SoftmaxGradCall call) => RowMatrix.Suits(call.Y) && RowMatrix.Suits(call.DY) && RowMatrix.Suits(call.DX);

    protected override void Run<V>(in SoftmaxGradCall call, nint workspace)
    {
        if (call.Y.Elements == 0)
            return;
        var loop = new Loop<V> { Y = new(call.Y), DY = new(call.DY), DX = new(call.DX), Log = call.Log, Add = call.Accumulate };
        Cpu.Pool.Run(loop.Y.Items, ref loop);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public RowMatrix Y, DY, DX;
        public bool Log, Add;

        public readonly void Execute(int item, int worker)
        {
            long first = item * Y.RowsAtOnce;
            Softmax.Grad<V>(Y.Start, Y.Step, DY.Start, DY.Step, DX.Start, DX.Step, first, Math.Min(first + Y.RowsAtOnce, Y.Rows), Y.Columns, Log, Add);
        }
    }
}
