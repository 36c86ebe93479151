using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Devices;

/// <summary>An optimizer's step where the host can address the memory: the step's numbers are read where they lie, and the formula is mapped over the operands in one pass.</summary>
internal sealed class HostUpdate<TRule> : IKernel<UpdateCall<TRule>>
    where TRule : struct, IUpdateRule
{
    public bool Suits(in UpdateCall<TRule> call) => true;

    public long Workspace(in UpdateCall<TRule> call, int threads) => 0;

    public void Run(in UpdateCall<TRule> call, nint workspace)
    {
        call.Check();
        call.P.Device.Map(new MapCall<TRule, UpdateParams>(call.P, call.M, call.V, call.P, call.G, call.M, call.V, Numbers(call.Settings, call.Scalars)));
    }

    /// <summary>The step's numbers.</summary>
    public static UpdateParams Numbers(in UpdateSettings settings, in View scalars) =>
        UpdateParams.Of(settings, At(scalars, 0), At(scalars, 1), At(scalars, 2), At(scalars, 3));

    private static double At(in View scalars, int i) => Elements.Load(scalars.Address, scalars.Type, i);
}
