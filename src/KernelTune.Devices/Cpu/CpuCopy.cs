using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>Copies between any two layouts and types.</summary>
internal sealed unsafe class CpuCopy(CpuContext cpu) : CpuKernel<CopyCall>(cpu)
{
    private const int Grain = 32768;

    public override void Run(in CopyCall call, nint workspace)
    {
        var (x, y) = (call.X, call.Y);
        if (x.Shape != y.Shape)
            throw new ShapeException(CopyCall.Name, $"{x.Shape} to {y.Shape}");
        var loop = new Loop
        {
            Plan = RowPlan.Of([y, x], Grain),
            X = (byte*)x.Address,
            Y = (byte*)y.Address,
            From = x.Type,
            To = y.Type,
        };
        Cpu.Pool.Run(loop.Plan.Items, ref loop);
    }

    /// <summary>Writes a view's elements at <paramref name="to"/>, one after another: how a kernel reads a layout that it could not otherwise.</summary>
    public static void ToDense(WorkerPool pool, in View x, void* to)
    {
        var dense = new View(x.Block, x.Type, x.Shape);
        var loop = new Loop { Plan = RowPlan.Of([dense, x], Grain), X = (byte*)x.Address, Y = (byte*)to, From = x.Type, To = x.Type };
        pool.Run(loop.Plan.Items, ref loop);
    }

    private struct Loop : IParallelBody
    {
        public RowPlan Plan;
        public byte* X, Y;
        public DType From, To;

        public readonly void Execute(int item, int worker)
        {
            Plan.Piece(item, out long first, out long last, out long from, out long to);
            long stepY = Plan.Step(0), stepX = Plan.Step(1);
            for (long row = first; row < last; row++)
            {
                byte* y = Y + ((Plan.Offset(0, row) + (from * stepY)) * To.Size());
                byte* x = X + ((Plan.Offset(1, row) + (from * stepX)) * From.Size());
                if (From == To)
                    StridedCopy.Copy(x, stepX, y, stepY, to - from, To.Size());
                else if (!StridedCopy.TryConvert(x, From, stepX, y, To, stepY, to - from))
                    Rarely(x, stepX, y, stepY, to - from);
            }
        }

        private readonly void Rarely(byte* x, long stepX, byte* y, long stepY, long count)
        {
            for (long i = 0; i < count; i++)
                Elements.Store((nint)y, To, i * stepY, Elements.Load((nint)x, From, i * stepX));
        }
    }
}
