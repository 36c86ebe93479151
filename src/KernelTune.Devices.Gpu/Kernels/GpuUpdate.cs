using KernelTune.Devices.Calls;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Gpu;

namespace KernelTune.Devices.Gpu;

/// <summary>An optimizer's step; the step's numbers stay on the device.</summary>
internal sealed class GpuUpdate<TRule>(GpuContext gpu) : GpuCallKernel<UpdateCall<TRule>>(gpu)
    where TRule : struct, IUpdateRule
{
    public override void Run(in UpdateCall<TRule> call, nint workspace)
    {
        call.Check();

        // What the rule has not is given the parameter's memory: a kernel argument must be some buffer.
        View m = call.M.Exists ? call.M : call.P, v = call.V.Exists ? call.V : call.P;
        var args = new UpdateArgs
        {
            P = Gpu.Of<G32>(call.P),
            G = Gpu.Of<G32>(call.G),
            M = Gpu.Of<G32>(m),
            V = Gpu.Of<G32>(v),
            StartP = call.P.Offset,
            StartG = call.G.Offset,
            StartM = m.Offset,
            StartV = v.Offset,
            Count = Walks.Count(UpdateCall<TRule>.Name, call.P),
            Numbers = UpdateArguments.Numbers(Gpu, call.Settings, call.Scalars),
        };
        Launcher.Walk<UpdateKernel<TRule>, UpdateArgs>(args, args.Count);
    }
}

/// <summary>An optimizer's step over states in 8 bits.</summary>
internal sealed class GpuBlockwiseUpdate<TRule>(GpuContext gpu) : GpuCallKernel<BlockwiseUpdateCall<TRule>>(gpu)
    where TRule : struct, IUpdateRule
{
    public override void Run(in BlockwiseUpdateCall<TRule> call, nint workspace)
    {
        call.Check();
        View v = call.V.Exists ? call.V : call.M, magnitudesV = call.V.Exists ? call.MagnitudesV : call.MagnitudesM;
        var args = new BlockwiseUpdateArgs
        {
            P = Gpu.Of<G32>(call.P),
            G = Gpu.Of<G32>(call.G),
            M = Gpu.Of<byte>(call.M),
            V = Gpu.Of<byte>(v),
            MagnitudesM = Gpu.Of<G32>(call.MagnitudesM),
            MagnitudesV = Gpu.Of<G32>(magnitudesV),
            Levels = Gpu.Of<G32>(call.Levels),
            StartP = call.P.Offset,
            StartG = call.G.Offset,
            StartM = call.M.Offset,
            StartV = v.Offset,
            StartMagnitudesM = call.MagnitudesM.Offset,
            StartMagnitudesV = magnitudesV.Offset,
            StartLevels = call.Levels.Offset,
            Count = Walks.Count(BlockwiseUpdateCall<TRule>.Name, call.P),
            Numbers = UpdateArguments.Numbers(Gpu, call.Settings, call.Scalars),
        };
        Launcher.Rows<BlockwiseUpdateKernel<TRule>, BlockwiseUpdateArgs>(args, (args.Count + BlockwiseUpdate.Block - 1) / BlockwiseUpdate.Block);
    }
}

/// <summary>What both kinds of update hand to their kernels.</summary>
internal static class UpdateArguments
{
    public static UpdateNumbers Numbers(GpuContext gpu, in UpdateSettings settings, in View scalars) => new()
    {
        Scalars = gpu.Of<float>(scalars),
        Start = scalars.Offset,
        Beta1 = settings.Beta1,
        Beta2 = settings.Beta2,
        Eps = settings.Eps,
        WeightDecay = settings.WeightDecay,
    };
}
