using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>A batch's mean and variance: a piece of work has one channel.</summary>
internal sealed unsafe class CpuBatchStatistics(CpuContext cpu) : LaneKernel<BatchStatisticsCall>(cpu)
{
    public override bool Suits(in BatchStatisticsCall call) => ChannelPlanes.Suits(call.X) && RowMatrix.SuitsVector(call.Mean) && RowMatrix.SuitsVector(call.Variance);

    protected override void Run<V>(in BatchStatisticsCall call, nint workspace)
    {
        var loop = new Loop<V> { X = new ChannelPlanes(call.X), Mean = (float*)call.Mean.Address, Variance = (float*)call.Variance.Address };
        Cpu.Pool.Run(loop.X.Channels, ref loop);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public ChannelPlanes X;
        public float* Mean, Variance;

        public readonly void Execute(int item, int worker) => BatchNorm.Statistics<V>(X.Of(item), X.Images, X.Step, X.Length, out Mean[item], out Variance[item]);
    }
}

/// <summary>Batch norm with given statistics.</summary>
internal sealed unsafe class CpuBatchNorm(CpuContext cpu) : LaneKernel<BatchNormCall>(cpu)
{
    public override bool Suits(in BatchNormCall call) => ChannelPlanes.Suits(call.X) && ChannelPlanes.Suits(call.Y) && RowMatrix.SuitsVector(call.Mean) && RowMatrix.SuitsVector(call.Rstd)
        && RowMatrix.SuitsVector(call.Weight) && RowMatrix.SuitsVector(call.Bias);

    protected override void Run<V>(in BatchNormCall call, nint workspace)
    {
        var loop = new Loop<V>
        {
            X = new ChannelPlanes(call.X), Y = new ChannelPlanes(call.Y), Mean = (float*)call.Mean.Address, Rstd = (float*)call.Rstd.Address, Weight = RowMatrix.Vector(call.Weight),
            Bias = RowMatrix.Vector(call.Bias),
        };
        Cpu.Pool.Run(loop.X.Channels, ref loop);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public ChannelPlanes X, Y;
        public float* Mean, Rstd, Weight, Bias;

        public readonly void Execute(int item, int worker)
        {
            float scale = Weight == null ? Rstd[item] : Rstd[item] * Weight[item];
            BatchNorm.Apply<V>(X.Of(item), Y.Of(item), X.Images, X.Step, X.Length, Mean[item], scale, Bias == null ? 0 : Bias[item]);
        }
    }
}

/// <summary>The sums of a batch norm's gradients.</summary>
internal sealed unsafe class CpuBatchNormGradSums(CpuContext cpu) : LaneKernel<BatchNormGradSumsCall>(cpu)
{
    public override bool Suits(in BatchNormGradSumsCall call) => ChannelPlanes.Suits(call.X) && ChannelPlanes.Suits(call.DY) && RowMatrix.SuitsVector(call.Mean)
        && RowMatrix.SuitsVector(call.Rstd) && RowMatrix.SuitsVector(call.Sum) && RowMatrix.SuitsVector(call.SumNormal);

    protected override void Run<V>(in BatchNormGradSumsCall call, nint workspace)
    {
        var loop = new Loop<V>
        {
            X = new ChannelPlanes(call.X), DY = new ChannelPlanes(call.DY), Mean = (float*)call.Mean.Address, Rstd = (float*)call.Rstd.Address, Sum = (float*)call.Sum.Address,
            SumNormal = (float*)call.SumNormal.Address,
        };
        Cpu.Pool.Run(loop.X.Channels, ref loop);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public ChannelPlanes X, DY;
        public float* Mean, Rstd, Sum, SumNormal;

        public readonly void Execute(int item, int worker) =>
            BatchNorm.GradSums<V>(X.Of(item), DY.Of(item), X.Images, X.Step, X.Length, Mean[item], Rstd[item], out Sum[item], out SumNormal[item]);
    }
}

/// <summary>dX of a batch norm, with the batch's statistics or with constant ones.</summary>
internal sealed unsafe class CpuBatchNormGradInput(CpuContext cpu) : LaneKernel<BatchNormGradInputCall>(cpu)
{
    public override bool Suits(in BatchNormGradInputCall call) => ChannelPlanes.Suits(call.DY) && ChannelPlanes.Suits(call.DX) && RowMatrix.SuitsVector(call.Rstd)
        && RowMatrix.SuitsVector(call.Weight) && (!call.Sum.Exists || (ChannelPlanes.Suits(call.X) && RowMatrix.SuitsVector(call.Mean) && RowMatrix.SuitsVector(call.Sum)
        && RowMatrix.SuitsVector(call.SumNormal)));

    protected override void Run<V>(in BatchNormGradInputCall call, nint workspace)
    {
        var loop = new Loop<V>
        {
            DY = new ChannelPlanes(call.DY), DX = new ChannelPlanes(call.DX), Rstd = (float*)call.Rstd.Address, Weight = RowMatrix.Vector(call.Weight), Add = call.Accumulate,
        };
        if (call.Sum.Exists)
        {
            loop.X = new ChannelPlanes(call.X);
            loop.Mean = (float*)call.Mean.Address;
            loop.Sum = (float*)call.Sum.Address;
            loop.SumNormal = (float*)call.SumNormal.Address;
        }
        Cpu.Pool.Run(loop.DY.Channels, ref loop);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public ChannelPlanes X, DY, DX;
        public float* Mean, Rstd, Weight, Sum, SumNormal;
        public bool Add;

        public readonly void Execute(int item, int worker)
        {
            float factor = Weight == null ? Rstd[item] : Rstd[item] * Weight[item];
            if (Sum == null)
            {
                BatchNorm.Scale<V>(DY.Of(item), DX.Of(item), DY.Images, DY.Step, DY.Length, factor, Add);
                return;
            }
            double inverse = -factor / ((double)DY.Images * DY.Length);
            float slope = (float)(inverse * SumNormal[item] * Rstd[item]), offset = (float)(inverse * Sum[item]);
            BatchNorm.GradInput<V>(X.Of(item), DY.Of(item), DX.Of(item), DY.Images, DY.Step, DY.Length, Mean[item], factor, slope, offset, Add);
        }
    }
}

/// <summary>A dense view [images, channels, length] by channel.</summary>
internal readonly unsafe struct ChannelPlanes
{
    private readonly float* start;

    public ChannelPlanes(in View view)
    {
        start = (float*)view.Address;
        (Images, Channels, Length) = (view.Shape[0], view.Shape[1], view.Shape[2]);
    }

    public int Images { get; }

    public int Channels { get; }

    public int Length { get; }

    /// <summary>Elements from image to image.</summary>
    public long Step => (long)Channels * Length;

    public static bool Suits(in View view) => view.Type == DType.F32 && view.Rank == 3 && view.IsDense && view.Elements > 0;

    public float* Of(int channel) => start + ((long)channel * Length);
}
