using ILGPU;

namespace KernelTune.Kernels.Gpu;

/// <summary>The operands of <see cref="FillKernel{T}"/>.</summary>
public struct FillArgs<T>
    where T : unmanaged
{
    public ArrayView<T> Y;
    public Layout Shape;
    public Steps StepsY;
    public T Bits;
}

/// <summary>y[i] = the same bits everywhere. T: an unsigned integer of the element's size.</summary>
public readonly struct FillKernel<T> : IGpuKernel<FillArgs<T>>
    where T : unmanaged
{
    public static void Run(FillArgs<T> args)
    {
        for (uint i = GridWalk.First; i < args.Shape.Count; i += GridWalk.Stride)
            args.Y[args.StepsY.At(args.Shape.At(i))] = args.Bits;
    }
}
