using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Cpu;

/// <summary>AdamW over an arena: one formula, one pass.</summary>
internal sealed unsafe class CpuAdamW(CpuContext cpu) : CpuKernel<AdamWCall>(cpu)
{
    public override void Run(in AdamWCall call, nint workspace)
    {
        var scalars = call.Scalars;
        if (scalars.Type != DType.F32 || !scalars.IsDense || scalars.Elements != 4)
            throw new ShapeException(AdamWCall.Name, $"scalars {scalars} must be 4 dense F32");
        float* s = (float*)scalars.Address;
        var settings = call.Settings;
        var step = AdamWParams.Of(settings.Beta1, settings.Beta2, settings.Eps, settings.WeightDecay, s[0], s[1], s[2], s[3]);
        call.P.Device.Map(new MapCall<AdamW, AdamWParams>(call.P, call.M, call.V, call.P, call.G, call.M, call.V, step));
    }
}
