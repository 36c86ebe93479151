using KernelTune.Devices.Calls;
using KernelTune.Kernels.Gpu;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Devices.Gpu;

/// <summary>The taps of every window.</summary>
internal sealed class GpuUnfold(GpuContext gpu) : GpuCallKernel<UnfoldCall>(gpu)
{
    public override void Run(in UnfoldCall call, nint workspace)
    {
        UnfoldCall.Check(UnfoldCall.Name, call.X, call.Y, call.Window);
        switch (call.X.Type)
        {
            case DType.F32: Launch<StoredF32>(call); break;
            case DType.BF16: Launch<StoredBF16>(call); break;
            case DType.F16: Launch<StoredF16>(call); break;
            default: throw Gpu.Unsupported(UnfoldCall.Name, $"{call.X.Type}");
        }
    }

    private void Launch<T>(in UnfoldCall call)
        where T : unmanaged, IStored<T>
    {
        uint count = Walks.Count(UnfoldCall.Name, call.Y);
        if (count == 0)
            return;
        var args = WindowArguments.Of<T>(Gpu, call.X, call.Y, call.Window, call.Y.Shape, count);
        args.Padding = call.Padding;
        Launcher.Walk<UnfoldKernel<T>, WindowArgs<T>>(args, count);
    }
}

/// <summary>The sums of the taps that lie on each element.</summary>
internal sealed class GpuFold(GpuContext gpu) : GpuCallKernel<FoldCall>(gpu)
{
    public override void Run(in FoldCall call, nint workspace)
    {
        UnfoldCall.Check(FoldCall.Name, call.X, call.Y, call.Window);
        switch (call.X.Type)
        {
            case DType.F32: Launch<StoredF32>(call); break;
            case DType.BF16: Launch<StoredBF16>(call); break;
            case DType.F16: Launch<StoredF16>(call); break;
            default: throw Gpu.Unsupported(FoldCall.Name, $"{call.X.Type}");
        }
    }

    private void Launch<T>(in FoldCall call)
        where T : unmanaged, IStored<T>
    {
        uint count = Walks.Count(FoldCall.Name, call.X);
        if (count == 0)
            return;
        var args = WindowArguments.Of<T>(Gpu, call.X, call.Y, call.Window, call.X.Shape, count);
        args.Accumulate = call.Accumulate ? 1 : 0;
        Launcher.Walk<FoldKernel<T>, WindowArgs<T>>(args, count);
    }
}

internal static class WindowArguments
{
    /// <summary>Planes, windows and their geometry; <paramref name="walked"/> is the shape of what is written.</summary>
    public static WindowArgs<T> Of<T>(GpuContext gpu, in View planes, in View windows, in Window2d w, Shape walked, uint count)
        where T : unmanaged => new()
        {
            Planes = gpu.Of<T>(planes),
            Windows = gpu.Of<T>(windows),
            Shape = new Layout { Count = count, Rank = 4, L0 = (uint)walked[3], L1 = (uint)walked[2], L2 = (uint)walked[1] },
            PlanesStart = planes.Offset,
            PlanesB = planes.Stride(0),
            PlanesC = planes.Stride(1),
            PlanesH = planes.Stride(2),
            PlanesW = planes.Stride(3),
            WindowsStart = windows.Offset,
            WindowsB = windows.Stride(0),
            WindowsC = windows.Stride(1),
            WindowsTap = windows.Stride(2),
            WindowsPosition = windows.Stride(3),
            H = planes.Shape[2],
            W = planes.Shape[3],
            KernelH = w.KernelHeight,
            KernelW = w.KernelWidth,
            StrideH = w.StrideHeight,
            StrideW = w.StrideWidth,
            DilationH = w.DilationHeight,
            DilationW = w.DilationWidth,
            Top = w.Top,
            Left = w.Left,
            Rows = w.Rows,
            Columns = w.Columns,
        };
}
