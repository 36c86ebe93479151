using KernelTune.Devices.Calls;
using KernelTune.Kernels.Gpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Gpu;

/// <summary>Uniform numbers from Philox, the CPU's bits.</summary>
internal sealed class GpuRandom(GpuContext gpu) : GpuCallKernel<RandomCall>(gpu)
{
    public override void Run(in RandomCall call, nint workspace)
    {
        if (!call.Y.IsDense || call.Y.Type != DType.F32)
            throw new ShapeException(RandomCall.Name, $"{call.Y} must be dense F32");
        var place = call.Place;
        var args = new RandomArgs
        {
            Y = Gpu.Of<G32>(call.Y),
            Start = call.Y.Offset,
            Count = Walks.Count(RandomCall.Name, call.Y),
            Key0 = (uint)place.Seed,
            Key1 = (uint)(place.Seed >> 32),
            Site = place.Site,
            Step = place.Step,
            MicroBatch = place.MicroBatch,
        };
        Launcher.Walk<RandomKernel, RandomArgs>(args, (args.Count + 3) / 4);
    }
}

/// <summary>Cosines and sines of rotary angles, computed in double.</summary>
internal sealed class GpuRotaryTable(GpuContext gpu) : GpuCallKernel<RotaryTableCall>(gpu)
{
    public override void Run(in RotaryTableCall call, nint workspace)
    {
        var (positions, frequencies, cos, sin) = (call.Positions, call.Frequencies, call.Cos, call.Sin);
        if (positions.Type != DType.I64 || frequencies.Type != DType.F64 || cos.Type != DType.F32 || sin.Type != DType.F32 || cos.Rank != 2 || cos.Shape != sin.Shape
            || positions.Shape != new Shape(cos.Shape[0]) || frequencies.Shape != new Shape(cos.Shape[1]))
            throw new ShapeException(RotaryTableCall.Name, $"{positions} and {frequencies} into {cos} and {sin}");
        if (cos.Elements == 0)
            return;
        var args = new RotaryTableArgs<StoredF32>
        {
            Positions = Gpu.Of<long>(positions),
            Frequencies = Gpu.Of<double>(frequencies),
            Cos = Gpu.Of<StoredF32>(cos),
            Sin = Gpu.Of<StoredF32>(sin),
            StartPositions = positions.Offset,
            StepPositions = positions.Stride(0),
            StartFrequencies = frequencies.Offset,
            StepFrequencies = frequencies.Stride(0),
            StartCos = cos.Offset,
            RowCos = cos.Stride(0),
            StepCos = cos.Stride(1),
            StartSin = sin.Offset,
            RowSin = sin.Stride(0),
            StepSin = sin.Stride(1),
            Count = Walks.Count(RotaryTableCall.Name, cos),
            Half = (uint)cos.Shape[1],
            Scaling = call.Scaling,
        };
        Launcher.Walk<RotaryTableKernel<StoredF32>, RotaryTableArgs<StoredF32>>(args, args.Count);
    }
}
