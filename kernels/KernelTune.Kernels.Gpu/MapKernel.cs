using ILGPU;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Gpu;

/// <summary>The operands of <see cref="MapKernel{V, TOp, TParams}"/>; those that the formula has not are the first output again, and never touched.</summary>
public struct MapArgs<V, TParams>
    where V : unmanaged
    where TParams : struct
{
    public ArrayView<V> X, Y, Z, A, B, C, D;
    public Layout Shape;
    public Steps StepsX, StepsY, StepsZ, StepsA, StepsB, StepsC, StepsD;
    public TParams Params;
}

/// <summary>The one map kernel: a formula, an element a thread at a time.</summary>
/// <typeparam name="V">The lane of one number that memory is seen as: <see cref="G32"/>, or <see cref="F64"/> for the few numbers kept in double.</typeparam>
/// <typeparam name="TOp">The formula.</typeparam>
/// <typeparam name="TParams">Its parameters.</typeparam>
public readonly struct MapKernel<V, TOp, TParams> : IGpuKernel<MapArgs<V, TParams>>
    where V : unmanaged, ILane<V>
    where TOp : struct, IElementwise<TParams>
    where TParams : struct
{
    public static void Run(MapArgs<V, TParams> args)
    {
        for (uint i = GridWalk.First; i < args.Shape.Count; i += GridWalk.Stride)
        {
            Place p = args.Shape.At(i);
            V b = V.Zero, c = V.Zero, d = V.Zero;
            V a = args.A[args.StepsA.At(p)];
            if (TOp.Inputs > 1)
                b = args.B[args.StepsB.At(p)];
            if (TOp.Inputs > 2)
                c = args.C[args.StepsC.At(p)];
            if (TOp.Inputs > 3)
                d = args.D[args.StepsD.At(p)];
            TOp.Apply(a, b, c, d, args.Params, out V x, out V y, out V z);
            args.X[args.StepsX.At(p)] = x;
            if (TOp.Outputs > 1)
                args.Y[args.StepsY.At(p)] = y;
            if (TOp.Outputs > 2)
                args.Z[args.StepsZ.At(p)] = z;
        }
    }
}

/// <summary>The operands of <see cref="FlatMapKernel{V, TOp, TParams}"/>: element i of each lies at i·Step, which is below 2^31.</summary>
public struct FlatMapArgs<V, TParams>
    where V : unmanaged
    where TParams : struct
{
    public ArrayView<V> X, Y, Z, A, B, C, D;
    public uint StepX, StepY, StepZ, StepA, StepB, StepC, StepD;
    public uint Count;
    public TParams Params;
}

/// <summary>
/// The map kernel where one axis is enough, as it is for dense operands: an address is a product and a sum, where the general walk takes six of 64 bits an
/// operand, which cost more than the memory does.
/// </summary>
public readonly struct FlatMapKernel<V, TOp, TParams> : IGpuKernel<FlatMapArgs<V, TParams>>
    where V : unmanaged, ILane<V>
    where TOp : struct, IElementwise<TParams>
    where TParams : struct
{
    public static void Run(FlatMapArgs<V, TParams> args)
    {
        for (uint i = GridWalk.First; i < args.Count; i += GridWalk.Stride)
        {
            V b = V.Zero, c = V.Zero, d = V.Zero;
            V a = args.A[(int)(i * args.StepA)];
            if (TOp.Inputs > 1)
                b = args.B[(int)(i * args.StepB)];
            if (TOp.Inputs > 2)
                c = args.C[(int)(i * args.StepC)];
            if (TOp.Inputs > 3)
                d = args.D[(int)(i * args.StepD)];
            TOp.Apply(a, b, c, d, args.Params, out V x, out V y, out V z);
            args.X[(int)(i * args.StepX)] = x;
            if (TOp.Outputs > 1)
                args.Y[(int)(i * args.StepY)] = y;
            if (TOp.Outputs > 2)
                args.Z[(int)(i * args.StepZ)] = z;
        }
    }
}
