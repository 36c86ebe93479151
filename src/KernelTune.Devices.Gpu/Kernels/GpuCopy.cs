using KernelTune.Devices.Calls;
using KernelTune.Kernels.Gpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Gpu;

/// <summary>Copies between any two layouts and types.</summary>
internal sealed class GpuCopy(GpuContext gpu) : GpuCallKernel<CopyCall>(gpu)
{
    public override void Run(in CopyCall call, nint workspace)
    {
        var (x, y) = (call.X, call.Y);
        if (x.Shape != y.Shape)
            throw new ShapeException(CopyCall.Name, $"{x.Shape} to {y.Shape}");
        if (x.Type == y.Type)
        {
            switch (x.Type.Size())
            {
                case 8: Launch<CopyKernel<ulong>, ulong, ulong>(call); break;
                case 4: Launch<CopyKernel<uint>, uint, uint>(call); break;
                case 2: Launch<CopyKernel<ushort>, ushort, ushort>(call); break;
                default: Launch<CopyKernel<byte>, byte, byte>(call); break;
            }
            return;
        }
        var from = new From { Kernel = this, Call = call };
        if (!StoredTypes.Visit(x.Type, ref from) || !from.Found)
            throw Gpu.Unsupported(CopyCall.Name, $"{x.Type} to {y.Type}");
    }

    private void Launch<TKernel, TFrom, TTo>(in CopyCall call)
        where TKernel : struct, IGpuKernel<CopyArgs<TFrom, TTo>>
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        var plan = AxisPlan.Of(call.Y.Shape, call.X, call.Y);
        for (int piece = 0; piece < plan.Pieces; piece++)
        {
            var args = new CopyArgs<TFrom, TTo>
            {
                X = Gpu.Of<TFrom>(call.X),
                Y = Gpu.Of<TTo>(call.Y),
                Shape = plan.Shape(piece),
                StepsX = plan.Steps(0, piece),
                StepsY = plan.Steps(1, piece),
            };
            Launcher.Walk<TKernel, CopyArgs<TFrom, TTo>>(args, args.Shape.Count);
        }
    }

    private struct From : IStoredVisitor
    {
        public GpuCopy Kernel;
        public CopyCall Call;
        public bool Found;

        public void Visit<TFrom>()
            where TFrom : unmanaged, IStored<TFrom>
        {
            var to = new To<TFrom> { Kernel = Kernel, Call = Call };
            Found = StoredTypes.Visit(Call.Y.Type, ref to);
        }
    }

    private struct To<TFrom> : IStoredVisitor
        where TFrom : unmanaged, IStored<TFrom>
    {
        public GpuCopy Kernel;
        public CopyCall Call;

        public readonly void Visit<TTo>()
            where TTo : unmanaged, IStored<TTo>
        {
            if (Call.X.Type.IsWide() || Call.Y.Type.IsWide())
                Kernel.Launch<CastWideKernel<TFrom, TTo>, TFrom, TTo>(Call);
            else
                Kernel.Launch<CastKernel<TFrom, TTo>, TFrom, TTo>(Call);
        }
    }
}
