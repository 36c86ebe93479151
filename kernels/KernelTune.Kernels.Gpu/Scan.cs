using ILGPU;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Gpu;

/// <summary>The operands of <see cref="ScanKernel{T, V, TSums}"/>: running sums of Length numbers of each row, Step apart.</summary>
public struct ScanArgs<T>
    where T : unmanaged
{
    public ArrayView<T> X, Y;
    public Layout Shape;
    public Steps StepsX, StepsY;
    public long StepX, StepY;
    public int Length;
}

/// <summary>One group a row, as many numbers at a time as it has threads: each round adds the number twice as far before it; what came before is carried.</summary>
public readonly struct ScanKernel<T, V, TSums> : IGpuKernel<ScanArgs<T>>
    where T : unmanaged, IStored<T>
    where V : unmanaged, ILane<V>
    where TSums : struct, IAccumulator<V>
{
    public static void Run(ScanArgs<T> args)
    {
        ArrayView<V> shared = SharedMemory.Allocate<V>(GpuKernelList.GroupSize);
        int thread = Group.IdxX;
        for (uint row = (uint)Grid.IdxX; row < args.Shape.Count; row += (uint)Grid.DimX)
        {
            Place place = args.Shape.At(row);
            long x = args.StepsX.At(place), y = args.StepsY.At(place);
            V carried = V.Zero;
            for (int first = 0; first < args.Length; first += Group.DimX)
            {
                int i = first + thread;
                V sum = V.Zero;
                if (i < args.Length)
                    sum = TSums.Load(args.X[x + (i * args.StepX)]);
                shared[thread] = sum;
                Group.Barrier();
                for (int distance = 1; distance < Group.DimX; distance <<= 1)
                {
                    V before = V.Zero;
                    if (thread >= distance)
                        before = shared[thread - distance];
                    sum = before + sum;
                    Group.Barrier();
                    shared[thread] = sum;
                    Group.Barrier();
                }
                if (i < args.Length)
                    args.Y[y + (i * args.StepY)] = TSums.Store<T>(carried + sum);
                carried += shared[Group.DimX - 1];
                Group.Barrier();
            }
        }
    }
}
