using ILGPU;

namespace KernelTune.Kernels.Gpu;

/// <summary>The operands of <see cref="RampKernel{T}"/>.</summary>
public struct RampArgs<T>
    where T : unmanaged
{
    public ArrayView<T> Y;
    public uint Count;
    public long Start, Step;
    public double From, By;
}

/// <summary>y[i] = from + i·by, in double.</summary>
public readonly struct RampKernel<T> : IGpuKernel<RampArgs<T>>
    where T : unmanaged, IStored<T>
{
    public static void Run(RampArgs<T> args)
    {
        for (uint i = GridWalk.First; i < args.Count; i += GridWalk.Stride)
            args.Y[args.Start + (i * args.Step)] = T.FromDouble(args.From + GpuMath.Multiply((double)(int)i, args.By));
    }
}
