using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>Attention that never stores the scores.</summary>
internal sealed unsafe class CpuAttention(CpuContext cpu) : CpuKernel<AttentionCall>(cpu)
{
    public override bool Suits(in AttentionCall call) => AttentionOperands.Suits(call.Q, call.K, call.V, call.Y, call.Lse, call.Masks);

    public override long Workspace(in AttentionCall call, int threads) =>
        (long)Attention.Workspace(AttentionOperands.ShapeOf(call.Q, call.K, call.V, call.Options, call.Masks), threads, Cpu.Set);

    public override void Run(in AttentionCall call, nint workspace)
    {
        AttentionOperands.CheckStarts(AttentionCall.Name, call.Q, call.K, call.Masks);
        if (call.Y.Elements > 0)
            Attention.Forward(AttentionOperands.Of(call.Q, call.K, call.V, call.Y, call.Lse, call.Options, call.Masks), (void*)workspace, Cpu.Pool, Cpu.Set);
    }
}

/// <summary>The gradients of attention from recomputed scores; a bias that wants its own gradient is composed.</summary>
internal sealed unsafe class CpuAttentionGrad(CpuContext cpu) : CpuKernel<AttentionGradCall>(cpu)
{
    public override bool Suits(in AttentionGradCall call) => !call.DBias.Exists
        && AttentionOperands.Suits(call.Q, call.K, call.V, call.Y, call.Lse, call.Masks) && AttentionOperands.SuitsRows(call.DY)
        && AttentionOperands.SuitsRows(call.DQ) && AttentionOperands.SuitsRows(call.DK) && AttentionOperands.SuitsRows(call.DV)
        && RowMatrix.SuitsVector(call.DSinks);

    public override long Workspace(in AttentionGradCall call, int threads) =>
        (long)Attention.GradWorkspace(AttentionOperands.ShapeOf(call.Q, call.K, call.V, call.Options, call.Masks), threads, Cpu.Set);

    public override void Run(in AttentionGradCall call, nint workspace)
    {
        AttentionOperands.CheckStarts(AttentionGradCall.Name, call.Q, call.K, call.Masks);
        var args = new AttentionGradArgs<float>
        {
            Forward = AttentionOperands.Of(call.Q, call.K, call.V, call.Y, call.Lse, call.Options, call.Masks),
            DY = (float*)call.DY.Address,
            DYStride = AttentionOperands.StrideOf(call.DY),
            DQ = RowMatrix.Vector(call.DQ),
            DQStride = AttentionOperands.StrideOf(call.DQ),
            DK = RowMatrix.Vector(call.DK),
            DKStride = AttentionOperands.StrideOf(call.DK),
            DV = RowMatrix.Vector(call.DV),
            DVStride = AttentionOperands.StrideOf(call.DV),
            DSinks = RowMatrix.Vector(call.DSinks),
        };
        Attention.Backward(args, (void*)workspace, Cpu.Pool, Cpu.Set);
    }
}
