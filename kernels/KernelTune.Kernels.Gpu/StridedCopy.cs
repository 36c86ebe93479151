using ILGPU;

namespace KernelTune.Kernels.Gpu;

/// <summary>The operands of a copy.</summary>
public struct CopyArgs<TFrom, TTo>
    where TFrom : unmanaged
    where TTo : unmanaged
{
    public ArrayView<TFrom> X;
    public ArrayView<TTo> Y;
    public Layout Shape;
    public Steps StepsX, StepsY;
}

/// <summary>y[i] = x[i], bit for bit. T: an unsigned integer of the element's size.</summary>
public readonly struct CopyKernel<T> : IGpuKernel<CopyArgs<T, T>>
    where T : unmanaged
{
    public static void Run(CopyArgs<T, T> args)
    {
        for (uint i = GridWalk.First; i < args.Shape.Count; i += GridWalk.Stride)
        {
            Place p = args.Shape.At(i);
            args.Y[args.StepsY.At(p)] = args.X[args.StepsX.At(p)];
        }
    }
}

/// <summary>y[i] = x[i] in y's type, by way of a float: exact for all types of at most 16 bits and for floats.</summary>
public readonly struct CastKernel<TFrom, TTo> : IGpuKernel<CopyArgs<TFrom, TTo>>
    where TFrom : unmanaged, IStored<TFrom>
    where TTo : unmanaged, IStored<TTo>
{
    public static void Run(CopyArgs<TFrom, TTo> args)
    {
        for (uint i = GridWalk.First; i < args.Shape.Count; i += GridWalk.Stride)
        {
            Place p = args.Shape.At(i);
            args.Y[args.StepsY.At(p)] = TTo.FromFloat(TFrom.ToFloat(args.X[args.StepsX.At(p)]));
        }
    }
}

/// <summary>y[i] = x[i] in y's type, by way of a double: for doubles and for integers of 32 and 64 bits.</summary>
public readonly struct CastWideKernel<TFrom, TTo> : IGpuKernel<CopyArgs<TFrom, TTo>>
    where TFrom : unmanaged, IStored<TFrom>
    where TTo : unmanaged, IStored<TTo>
{
    public static void Run(CopyArgs<TFrom, TTo> args)
    {
        for (uint i = GridWalk.First; i < args.Shape.Count; i += GridWalk.Stride)
        {
            Place p = args.Shape.At(i);
            args.Y[args.StepsY.At(p)] = TTo.FromDouble(TFrom.ToDouble(args.X[args.StepsX.At(p)]));
        }
    }
}
