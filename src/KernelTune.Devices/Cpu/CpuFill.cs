using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>One number everywhere.</summary>
internal sealed unsafe class CpuFill(CpuContext cpu) : CpuKernel<FillCall>(cpu)
{
    private const int Grain = 65536;

    public override void Run(in FillCall call, nint workspace)
    {
        ulong bits = 0;
        Elements.Store((nint)(&bits), call.Y.Type, 0, call.Value);
        var loop = new Loop { Plan = RowPlan.Of([call.Y], Grain), Y = (byte*)call.Y.Address, Size = call.Y.Type.Size(), Bits = bits };
        Cpu.Pool.Run(loop.Plan.Items, ref loop);
    }

    private struct Loop : IParallelBody
    {
        public RowPlan Plan;
        public byte* Y;
        public int Size;
        public ulong Bits;

        public readonly void Execute(int item, int worker)
        {
            Plan.Piece(item, out long first, out long last, out long from, out long to);
            long step = Plan.Step(0);
            for (long row = first; row < last; row++)
            {
                byte* y = Y + ((Plan.Offset(0, row) + (from * step)) * Size);
                StridedCopy.Fill(y, step, to - from, Size, Bits);
            }
        }
    }
}

/// <summary>start + i·step.</summary>
internal sealed class CpuRamp(CpuContext cpu) : CpuKernel<RampCall>(cpu)
{
    public override void Run(in RampCall call, nint workspace)
    {
        var y = call.Y;
        for (int i = 0; i < y.Shape[0]; i++)
            Elements.Store(y.Block.Address, y.Type, y.Offset + (i * y.Stride(0)), call.Start + (i * call.Step));
    }
}
