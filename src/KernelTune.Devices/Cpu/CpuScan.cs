using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>Running sums, a row a thread, in double.</summary>
internal sealed unsafe class CpuScan(CpuContext cpu) : CpuKernel<ScanCall>(cpu)
{
    private const int Grain = 16384;

    public override void Run(in ScanCall call, nint workspace)
    {
        ScanCall.Check(call.X, call.Y);
        if (call.X.Elements == 0)
            return;
        int axis = call.X.Shape.Axis(call.Axis), length = call.X.Shape[axis];
        int last = call.Reverse ? length - 1 : 0;
        var (x, y) = (call.X.Select(axis, last), call.Y.Select(axis, last));
        int sign = call.Reverse ? -1 : 1;
        var loop = new Loop
        {
            Plan = RowPlan.Of([y, x], Math.Max(1, Grain / length)),
            X = x.Address,
            Y = y.Address,
            Type = x.Type,
            Length = length,
            StepX = sign * call.X.Stride(axis),
            StepY = sign * call.Y.Stride(axis),
        };
        Cpu.Pool.Run(loop.Plan.Items, ref loop);
    }

    private struct Loop : IParallelBody
    {
        public RowPlan Plan;
        public nint X, Y;
        public DType Type;
        public int Length;
        public long StepX, StepY;

        public readonly void Execute(int item, int worker)
        {
            Plan.Piece(item, out long first, out long last, out long from, out long to);
            for (long row = first; row < last; row++)
            {
                for (long i = from; i < to; i++)
                    One(Plan.Offset(1, row) + (i * Plan.Step(1)), Plan.Offset(0, row) + (i * Plan.Step(0)));
            }
        }

        private readonly void One(long x, long y)
        {
            double sum = 0;
            if (Type == DType.F32)
            {
                float* from = (float*)X + x, to = (float*)Y + y;
                for (int i = 0; i < Length; i++)
                {
                    sum += from[i * StepX];
                    to[i * StepY] = (float)sum;
                }
                return;
            }
            for (int i = 0; i < Length; i++)
            {
                sum += Elements.Load(X, Type, x + (i * StepX));
                Elements.Store(Y, Type, y + (i * StepY), sum);
            }
        }
    }
}
