using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Devices.Cpu;

/// <summary>LayerNorm.</summary>
internal sealed unsafe class CpuLayerNorm(CpuContext cpu) : LaneKernel<LayerNormCall>(cpu)
{
    public override bool Suits(in LayerNormCall call) => RowMatrix.Suits(call.X) && RowMatrix.Suits(call.Y) && RowMatrix.SuitsVector(call.Weight)
        && RowMatrix.SuitsVector(call.Bias) && RowMatrix.SuitsVector(call.Mean) && RowMatrix.SuitsVector(call.Rstd);

    protected override void Run<V>(in LayerNormCall call, nint workspace)
    {
        var loop = new Loop<V>
        {
            X = new(call.X),
            Y = new(call.Y),
            Weight = RowMatrix.Vector(call.Weight),
            Bias = RowMatrix.Vector(call.Bias),
            Mean = (float*)call.Mean.Address,
            Rstd = (float*)call.Rstd.Address,
            Eps = (float)call.Eps,
        };
        Cpu.Pool.Run(loop.X.Items, ref loop);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public RowMatrix X, Y;
        public float* Weight, Bias, Mean, Rstd;
        public float Eps;

        public readonly void Execute(int item, int worker)
        {
            long first = item * X.RowsAtOnce;
            LayerNorm.Forward<V>(X.Start, X.Step, Weight, Bias, Y.Start, Y.Step, Mean, Rstd, first, Math.Min(first + X.RowsAtOnce, X.Rows), X.Columns, Eps);
        }
    }
}

/// <summary>dX of LayerNorm.</summary>
internal sealed unsafe class CpuLayerNormGradInput(CpuContext cpu) : LaneKernel<LayerNormGradInputCall>(cpu)
{
    public override bool Suits(in LayerNormGradInputCall call) => RowMatrix.Suits(call.X) && RowMatrix.Suits(call.DY) && RowMatrix.Suits(call.DX)
        && RowMatrix.SuitsVector(call.Weight) && RowMatrix.SuitsVector(call.Mean) && RowMatrix.SuitsVector(call.Rstd);

    protected override void Run<V>(in LayerNormGradInputCall call, nint workspace)
    {
        var loop = new Loop<V>
        {
            X = new(call.X),
            DY = new(call.DY),
            DX = new(call.DX),
            Weight = RowMatrix.Vector(call.Weight),
            Mean = (float*)call.Mean.Address,
            Rstd = (float*)call.Rstd.Address,
            Add = call.Accumulate,
        };
        Cpu.Pool.Run(loop.X.Items, ref loop);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public RowMatrix X, DY, DX;
        public float* Weight, Mean, Rstd;
        public bool Add;

        public readonly void Execute(int item, int worker)
        {
            long first = item * X.RowsAtOnce;
            LayerNorm.GradInput<V>(X.Start, X.Step, Weight, Mean, Rstd, DY.Start, DY.Step, DX.Start, DX.Step, first,
                Math.Min(first + X.RowsAtOnce, X.Rows), X.Columns, Add);
        }
    }
}

/// <summary>dWeight and dBias of LayerNorm: sums of fixed groups of rows, then of the groups in order.</summary>
internal sealed unsafe class CpuLayerNormGradWeight(CpuContext cpu) : LaneKernel<LayerNormGradWeightCall>(cpu)
{
    public override bool Suits(in LayerNormGradWeightCall call) => RowMatrix.Suits(call.X) && RowMatrix.Suits(call.DY) && RowMatrix.SuitsVector(call.Mean)
        && RowMatrix.SuitsVector(call.Rstd) && RowMatrix.SuitsVector(call.DW) && RowMatrix.SuitsVector(call.DB);

    public override long Workspace(in LayerNormGradWeightCall call, int threads) =>
        PartialRows.Bytes(call.X, LayerNorm.RowsOfPartial) * ((call.DW.Exists ? 1 : 0) + (call.DB.Exists ? 1 : 0));

    protected override void Run<V>(in LayerNormGradWeightCall call, nint workspace)
    {
        var loop = new Loop<V> { X = new(call.X), DY = new(call.DY), Mean = (float*)call.Mean.Address, Rstd = (float*)call.Rstd.Address };
        int groups = PartialRows.Groups(loop.X.Rows, LayerNorm.RowsOfPartial);
        float* free = (float*)workspace;
        if (call.DW.Exists)
        {
            loop.Weight = free;
            free += (long)groups * loop.X.Columns;
        }
        if (call.DB.Exists)
            loop.Bias = free;
        Cpu.Pool.Run(groups, ref loop);
        if (call.DW.Exists)
            PartialRows.Sum<V>(Cpu.Pool, loop.Weight, groups, loop.X.Columns, (float*)call.DW.Address, call.AccumulateW);
        if (call.DB.Exists)
            PartialRows.Sum<V>(Cpu.Pool, loop.Bias, groups, loop.X.Columns, (float*)call.DB.Address, call.AccumulateB);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public RowMatrix X, DY;
        public float* Mean, Rstd, Weight, Bias;

        public readonly void Execute(int item, int worker)
        {
            long first = (long)item * LayerNorm.RowsOfPartial, at = (long)item * X.Columns;
            LayerNorm.GradWeight<V>(X.Start, X.Step, Mean, Rstd, DY.Start, DY.Step, Weight == null ? null : Weight + at, Bias == null ? null : Bias + at, first,
                Math.Min(first + LayerNorm.RowsOfPartial, X.Rows), X.Columns);
        }
    }
}
