using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Devices.Cpu;

/// <summary>RMSNorm, one read of x.</summary>
internal sealed unsafe class CpuRmsNorm(CpuContext cpu) : LaneKernel<RmsNormCall>(cpu)
{
    public override bool Suits(in RmsNormCall call) =>
        RowMatrix.Suits(call.X) && RowMatrix.Suits(call.Y) && RowMatrix.SuitsVector(call.Weight) && RowMatrix.SuitsVector(call.Rstd);

    protected override void Run<V>(in RmsNormCall call, nint workspace)
    {
        var loop = new Loop<V> { X = new(call.X), Y = new(call.Y), Weight = RowMatrix.Vector(call.Weight), Rstd = (float*)call.Rstd.Address, Eps = (float)call.Eps, Offset = (float)call.Offset };
        Cpu.Pool.Run(loop.X.Items, ref loop);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public RowMatrix X, Y;
        public float* Weight, Rstd;
        public float Eps, Offset;

        public readonly void Execute(int item, int worker)
        {
            long first = item * X.RowsAtOnce;
            RmsNorm.Forward<V>(X.Start, X.Step, Weight, Offset, Y.Start, Y.Step, Rstd, first, Math.Min(first + X.RowsAtOnce, X.Rows), X.Columns, Eps);
        }
    }
}

/// <summary>dX of RMSNorm.</summary>
internal sealed unsafe class CpuRmsNormGradInput(CpuContext cpu) : LaneKernel<RmsNormGradInputCall>(cpu)
{
    public override bool Suits(in RmsNormGradInputCall call) => RowMatrix.Suits(call.X) && RowMatrix.Suits(call.DY) && RowMatrix.Suits(call.DX)
        && RowMatrix.SuitsVector(call.Weight) && RowMatrix.SuitsVector(call.Rstd);

    protected override void Run<V>(in RmsNormGradInputCall call, nint workspace)
    {
        var loop = new Loop<V>
        {
            X = new(call.X),
            DY = new(call.DY),
            DX = new(call.DX),
            Weight = RowMatrix.Vector(call.Weight),
            Rstd = (float*)call.Rstd.Address,
            Offset = (float)call.Offset,
            Add = call.Accumulate,
        };
        Cpu.Pool.Run(loop.X.Items, ref loop);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public RowMatrix X, DY, DX;
        public float* Weight, Rstd;
        public float Offset;
        public bool Add;

        public readonly void Execute(int item, int worker)
        {
            long first = item * X.RowsAtOnce;
            RmsNorm.GradInput<V>(X.Start, X.Step, Weight, Offset, Rstd, DY.Start, DY.Step, DX.Start, DX.Step, first, Math.Min(first + X.RowsAtOnce, X.Rows), X.Columns, Add);
        }
    }
}

/// <summary>dWeight of RMSNorm: sums of fixed groups of rows, then of the groups in order.</summary>
internal sealed unsafe class CpuRmsNormGradWeight(CpuContext cpu) : LaneKernel<RmsNormGradWeightCall>(cpu)
{
    public override bool Suits(in RmsNormGradWeightCall call) => RowMatrix.Suits(call.X) && RowMatrix.Suits(call.DY) && RowMatrix.SuitsVector(call.Rstd)
        && RowMatrix.SuitsVector(call.DW);

    public override long Workspace(in RmsNormGradWeightCall call, int threads) => PartialRows.Bytes(call.X, RmsNorm.RowsOfPartial);

    protected override void Run<V>(in RmsNormGradWeightCall call, nint workspace)
    {
        var loop = new Loop<V> { X = new(call.X), DY = new(call.DY), Rstd = (float*)call.Rstd.Address, Partial = (float*)workspace };
        int groups = PartialRows.Groups(loop.X.Rows, RmsNorm.RowsOfPartial);
        Cpu.Pool.Run(groups, ref loop);
        PartialRows.Sum<V>(Cpu.Pool, (float*)workspace, groups, loop.X.Columns, (float*)call.DW.Address, call.Accumulate);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public RowMatrix X, DY;
        public float* Rstd, Partial;

        public readonly void Execute(int item, int worker)
        {
            long first = (long)item * RmsNorm.RowsOfPartial;
            RmsNorm.GradWeight<V>(X.Start, X.Step, Rstd, DY.Start, DY.Step, Partial + ((long)item * X.Columns), first,
                Math.Min(first + RmsNorm.RowsOfPartial, X.Rows), X.Columns);
        }
    }
}
