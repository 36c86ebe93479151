using ILGPU;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Gpu;

/// <summary>
/// The operands of a reduction. Result o of Outputs is the reduction of Length numbers of x, Step apart; with Pieces over 1 each is cut into pieces of Piece
/// numbers, whose results go to Y one after another: [pieces, outputs].
/// </summary>
public struct ReduceArgs<TFrom, TTo>
    where TFrom : unmanaged
    where TTo : unmanaged
{
    public ArrayView<TFrom> X;
    public ArrayView<TTo> Y;

    /// <summary>The results' shape: what X and Y share.</summary>
    public Layout Shape;
    public Steps StepsX, StepsY;
    public long Step;
    public uint Length, Piece, Pieces;

    /// <summary>1: add to what y holds.</summary>
    public int Accumulate;
}

/// <summary>One thread a result, its numbers one after another: where results are many, or their numbers few.</summary>
public readonly struct ReduceByThreads<TFrom, TTo, V, TSums, TReduction> : IGpuKernel<ReduceArgs<TFrom, TTo>>
    where TFrom : unmanaged, IStored<TFrom>
    where TTo : unmanaged, IStored<TTo>
    where V : unmanaged, ILane<V>
    where TSums : struct, IAccumulator<V>
    where TReduction : struct, IReduction
{
    public static void Run(ReduceArgs<TFrom, TTo> args)
    {
        uint results = args.Shape.Count * args.Pieces;
        for (uint o = GridWalk.First; o < results; o += GridWalk.Stride)
        {
            uint piece = o / args.Shape.Count;
            Place place = args.Shape.At(o - (piece * args.Shape.Count));
            uint first = piece * args.Piece, last = first + args.Piece < args.Length ? first + args.Piece : args.Length;
            long at = args.StepsX.At(place);
            V sum = TReduction.Start<V>();
            for (uint i = first; i < last; i++)
                sum = TReduction.With(sum, TSums.Load(args.X[at + (i * args.Step)]));
            long to = args.Pieces > 1 ? o : args.StepsY.At(place);
            if (args.Accumulate != 0)
                sum = TSums.Load(args.Y[to]) + sum;
            args.Y[to] = TSums.Store<TTo>(sum);
        }
    }
}

/// <summary>One group a result: a thread takes every so-manyth number, then the threads' results are joined in a tree, halves first.</summary>
public readonly struct ReduceByGroups<TFrom, TTo, V, TSums, TReduction> : IGpuKernel<ReduceArgs<TFrom, TTo>>
    where TFrom : unmanaged, IStored<TFrom>
    where TTo : unmanaged, IStored<TTo>
    where V : unmanaged, ILane<V>
    where TSums : struct, IAccumulator<V>
    where TReduction : struct, IReduction
{
    public static void Run(ReduceArgs<TFrom, TTo> args)
    {
        ArrayView<V> shared = SharedMemory.Allocate<V>(GpuKernelList.GroupSize);
        int thread = Group.IdxX;
        uint results = args.Shape.Count * args.Pieces;
        for (uint o = (uint)Grid.IdxX; o < results; o += (uint)Grid.DimX)
        {
            uint piece = o / args.Shape.Count;
            Place place = args.Shape.At(o - (piece * args.Shape.Count));
            uint first = piece * args.Piece, last = first + args.Piece < args.Length ? first + args.Piece : args.Length;
            long at = args.StepsX.At(place);
            V sum = TReduction.Start<V>();
            for (uint i = first + (uint)thread; i < last; i += (uint)Group.DimX)
                sum = TReduction.With(sum, TSums.Load(args.X[at + (i * args.Step)]));
            shared[thread] = sum;
            Group.Barrier();
            for (int half = Group.DimX >> 1; half > 0; half >>= 1)
            {
                if (thread < half)
                    shared[thread] = TReduction.Join(shared[thread], shared[thread + half]);
                Group.Barrier();
            }
            if (thread == 0)
            {
                V result = shared[0];
                long to = args.Pieces > 1 ? o : args.StepsY.At(place);
                if (args.Accumulate != 0)
                    result = TSums.Load(args.Y[to]) + result;
                args.Y[to] = TSums.Store<TTo>(result);
            }
            Group.Barrier();
        }
    }
}
