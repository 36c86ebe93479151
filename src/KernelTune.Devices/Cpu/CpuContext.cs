using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>What the kernels of one CPU device share.</summary>
internal sealed record CpuContext(WorkerPool Pool, InstructionSet Set);

/// <summary>A kernel of the CPU. It never allocates: scratch memory is the workspace that it states.</summary>
internal abstract class CpuKernel<TCall>(CpuContext cpu) : IKernel<TCall>
    where TCall : struct, ICall
{
    protected CpuContext Cpu => cpu;

    public virtual bool Suits(in TCall call) => true;

    public virtual long Workspace(in TCall call, int threads) => 0;

    public abstract void Run(in TCall call, nint workspace);
}

/// <summary>A kernel over lanes of 16 places: the same code, and the same bits, for every instruction set.</summary>
internal abstract class LaneKernel<TCall>(CpuContext cpu) : CpuKernel<TCall>(cpu)
    where TCall : struct, ICall
{
    public sealed override void Run(in TCall call, nint workspace)
    {
        switch (Cpu.Set)
        {
            case InstructionSet.Avx512: Run<F32x16>(call, workspace); break;
            case InstructionSet.Avx2: Run<Pair<F32x8>>(call, workspace); break;
            default: Run<Pair<Pair<F32x4>>>(call, workspace); break;
        }
    }

    protected abstract void Run<V>(in TCall call, nint workspace)
        where V : struct, IRowLane<V>;
}
