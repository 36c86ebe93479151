using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Devices.Cpu;

/// <summary>An optimizer's step over states in 8 bits: stretches of whole blocks are handed to the pool.</summary>
internal sealed unsafe class CpuBlockwiseUpdate<TRule>(CpuContext cpu) : LaneKernel<BlockwiseUpdateCall<TRule>>(cpu)
    where TRule : struct, IUpdateRule
{
    private const int Grain = 64 * BlockwiseUpdate.Block;

    protected override void Run<V>(in BlockwiseUpdateCall<TRule> call, nint workspace)
    {
        call.Check();
        var loop = new Loop<V>
        {
            Operands = new BlockwiseOperands
            {
                Parameter = (float*)call.P.Address,
                Gradient = (float*)call.G.Address,
                First = (byte*)call.M.Address,
                FirstMagnitude = (float*)call.MagnitudesM.Address,
                Second = call.V.Exists ? (byte*)call.V.Address : null,
                SecondMagnitude = call.V.Exists ? (float*)call.MagnitudesV.Address : null,
            },
            Count = call.P.Elements,
            Params = HostUpdate<TRule>.Numbers(call.Settings, call.Scalars),
        };
        Cpu.Pool.Run((int)((loop.Count + Grain - 1) / Grain), ref loop);
    }

    private struct Loop<V> : IParallelBody
        where V : struct, IRowLane<V>
    {
        public BlockwiseOperands Operands;
        public long Count;
        public UpdateParams Params;

        public readonly void Execute(int item, int worker)
        {
            long at = (long)item * Grain, block = at / BlockwiseUpdate.Block;
            var part = new BlockwiseOperands
            {
                Parameter = Operands.Parameter + at,
                Gradient = Operands.Gradient + at,
                First = Operands.First + at,
                FirstMagnitude = Operands.FirstMagnitude + block,
                Second = Operands.Second + at,
                SecondMagnitude = Operands.SecondMagnitude + block,
            };
            BlockwiseUpdate.Run<V, TRule>(part, Math.Min(Grain, Count - at), Params);
        }
    }
}
