using ILGPU;

namespace KernelTune.Kernels.Gpu;

/// <summary>The operands of <see cref="ArgMaxKernel{T}"/>: y[r] = the index of the first greatest of Length numbers, Step apart.</summary>
public struct ArgMaxArgs<T>
    where T : unmanaged
{
    public ArrayView<T> X;
    public ArrayView<long> Y;
    public Layout Shape;
    public Steps StepsX, StepsY;
    public long Step;
    public int Length;
}

/// <summary>
/// One group a row: a thread looks at every so-manyth number, then pairs of threads agree, in a tree; of equals the first wins. A NaN is not greater than anything,
/// and nothing is greater than a NaN at the row's start.
/// </summary>
public readonly struct ArgMaxKernel<T> : IGpuKernel<ArgMaxArgs<T>>
    where T : unmanaged, IStored<T>
{
    public static void Run(ArgMaxArgs<T> args)
    {
        ArrayView<float> values = SharedMemory.Allocate<float>(GpuKernelList.GroupSize);
        ArrayView<int> places = SharedMemory.Allocate<int>(GpuKernelList.GroupSize);
        int thread = Group.IdxX;
        for (uint row = (uint)Grid.IdxX; row < args.Shape.Count; row += (uint)Grid.DimX)
        {
            Place place = args.Shape.At(row);
            long at = args.StepsX.At(place);
            int best = 0;
            float greatest = T.ToFloat(args.X[at]);
            for (int i = thread; i < args.Length; i += Group.DimX)
            {
                float value = T.ToFloat(args.X[at + (i * args.Step)]);
                if (GpuMath.Less(greatest, value))
                {
                    greatest = value;
                    best = i;
                }
            }
            values[thread] = greatest;
            places[thread] = best;
            Group.Barrier();
            for (int half = Group.DimX >> 1; half > 0; half >>= 1)
            {
                if (thread < half)
                {
                    float mine = values[thread], other = values[thread + half];
                    int here = places[thread], there = places[thread + half];
                    if (GpuMath.Less(mine, other) | (GpuMath.Equal(mine, other) & (there < here)))
                    {
                        values[thread] = other;
                        places[thread] = there;
                    }
                }
                Group.Barrier();
            }
            if (thread == 0)
                args.Y[args.StepsY.At(place)] = places[0];
            Group.Barrier();
        }
    }
}
