using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Calls;

/// <summary>What the operands of an optimizer's step must be.</summary>
internal static class UpdateOperands
{
    public static void CheckScalars(string name, in View scalars)
    {
        if (scalars.Type != scalars.Device.Real || !scalars.IsDense || scalars.Elements != 4)
            throw new ShapeException(name, $"scalars {scalars} must be 4 dense {scalars.Device.Real}");
    }

    public static void CheckReal(string name, in View view, in View parameter)
    {
        if (!view.Exists || view.Type != parameter.Device.Real || !view.IsDense || view.Elements != parameter.Elements)
            throw new ShapeException(name, $"{view} beside {parameter}: dense {parameter.Device.Real} of one length wanted");
    }

    public static void CheckCodes(string name, in View codes, in View magnitudes, in View parameter)
    {
        if (!codes.Exists || codes.Type != DType.U8 || !codes.IsDense || codes.Elements != parameter.Elements)
            throw new ShapeException(name, $"{codes} beside {parameter}: dense U8 of one length wanted");
        long blocks = (parameter.Elements + BlockwiseUpdate.Block - 1) / BlockwiseUpdate.Block;
        if (!magnitudes.Exists || magnitudes.Type != DType.F32 || !magnitudes.IsDense || magnitudes.Elements != blocks)
            throw new ShapeException(name, $"magnitudes {magnitudes} of {codes}: {blocks} dense F32 wanted, one a block of {BlockwiseUpdate.Block}");
    }
}
