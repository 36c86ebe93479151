using KernelTune.Devices.Calls;
using KernelTune.Devices.Memory;
using KernelTune.Kernels.Gpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Gpu;

/// <summary>One number everywhere.</summary>
internal sealed unsafe class GpuFill(GpuContext gpu) : GpuCallKernel<FillCall>(gpu)
{
    public override void Run(in FillCall call, nint workspace)
    {
        ulong bits = 0;
        Elements.Store((nint)(&bits), call.Y.Type, 0, call.Value);
        switch (call.Y.Type.Size())
        {
            case 8: Launch(call.Y, bits); break;
            case 4: Launch(call.Y, (uint)bits); break;
            case 2: Launch(call.Y, (ushort)bits); break;
            default: Launch(call.Y, (byte)bits); break;
        }
    }

    private void Launch<T>(in View y, T bits)
        where T : unmanaged
    {
        var plan = AxisPlan.Of(y.Shape, y);
        for (int piece = 0; piece < plan.Pieces; piece++)
        {
            var args = new FillArgs<T> { Y = Gpu.Of<T>(y), Shape = plan.Shape(piece), StepsY = plan.Steps(0, piece), Bits = bits };
            Launcher.Walk<FillKernel<T>, FillArgs<T>>(args, args.Shape.Count);
        }
    }
}

/// <summary>start + i·step.</summary>
internal sealed class GpuRamp(GpuContext gpu) : GpuCallKernel<RampCall>(gpu)
{
    public override void Run(in RampCall call, nint workspace)
    {
        var visitor = new Visitor { Kernel = this, Call = call };
        if (!StoredTypes.Visit(call.Y.Type, ref visitor))
            throw Gpu.Unsupported(RampCall.Name, $"{call.Y.Type}");
    }

    private struct Visitor : IStoredVisitor
    {
        public GpuRamp Kernel;
        public RampCall Call;

        public readonly void Visit<T>()
            where T : unmanaged, IStored<T>
        {
            var y = Call.Y;
            var args = new RampArgs<T>
            {
                Y = Kernel.Gpu.Of<T>(y),
                Count = (uint)y.Shape[0],
                Start = y.Offset,
                Step = y.Stride(0),
                From = Call.Start,
                By = Call.Step,
            };
            Kernel.Launcher.Walk<RampKernel<T>, RampArgs<T>>(args, args.Count);
        }
    }
}
