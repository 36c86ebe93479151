using ILGPU;

namespace KernelTune.Kernels.Gpu;

/// <summary>The operands of <see cref="SortBegin{T}"/> and <see cref="SortEnd{T}"/>: rows of x or of the results, and dense rows of keys and places.</summary>
public struct SortRowsArgs<T>
    where T : unmanaged
{
    public ArrayView<T> Rows;
    public ArrayView<float> Keys;
    public ArrayView<int> Places;
    public ArrayView<long> Index;
    public Layout Shape;
    public Steps StepsRows, StepsIndex;
    public long StepRows, StepIndex;
    public uint Elements;
    public int Length;
}

/// <summary>Lays rows out as keys with their places.</summary>
public readonly struct SortBegin<T> : IGpuKernel<SortRowsArgs<T>>
    where T : unmanaged, IStored<T>
{
    public static void Run(SortRowsArgs<T> args)
    {
        for (uint e = GridWalk.First; e < args.Elements; e += GridWalk.Stride)
        {
            uint row = e / (uint)args.Length, i = e - (row * (uint)args.Length);
            args.Keys[(long)e] = T.ToFloat(args.Rows[args.StepsRows.At(args.Shape.At(row)) + (i * args.StepRows)]);
            args.Places[(long)e] = (int)i;
        }
    }
}

/// <summary>Writes sorted keys and their places where the results belong.</summary>
public readonly struct SortEnd<T> : IGpuKernel<SortRowsArgs<T>>
    where T : unmanaged, IStored<T>
{
    public static void Run(SortRowsArgs<T> args)
    {
        for (uint e = GridWalk.First; e < args.Elements; e += GridWalk.Stride)
        {
            uint row = e / (uint)args.Length, i = e - (row * (uint)args.Length);
            Place place = args.Shape.At(row);
            args.Rows[args.StepsRows.At(place) + (i * args.StepRows)] = T.FromFloat(args.Keys[(long)e]);
            args.Index[args.StepsIndex.At(place) + (i * args.StepIndex)] = args.Places[(long)e];
        }
    }
}

/// <summary>The operands of <see cref="SortPass"/>.</summary>
public struct SortPassArgs
{
    public ArrayView<float> Keys, SortedKeys;
    public ArrayView<int> Places, SortedPlaces;
    public uint Elements;
    public int Length;

    /// <summary>The length of the runs that are in order already.</summary>
    public int Width;

    /// <summary>1: the greatest first.</summary>
    public int Descending;
}

/// <summary>
/// One pass of a merge sort: pairs of neighbouring runs become one. An element's place in it is its own rank plus the number of elements of the other run that come
/// before it, found by bisection; of equals those of the left run come first, so the order is stable. NaN is greater than everything.
/// </summary>
public readonly struct SortPass : IGpuKernel<SortPassArgs>
{
    public static void Run(SortPassArgs args)
    {
        for (uint e = GridWalk.First; e < args.Elements; e += GridWalk.Stride)
        {
            uint row = e / (uint)args.Length;
            long start = (long)row * args.Length;
            int i = (int)(e - (row * (uint)args.Length)), pair = i / (2 * args.Width) * (2 * args.Width);
            bool isLeft = i - pair < args.Width;
            int low = isLeft ? pair + args.Width : pair, high = low + args.Width;
            low = low < args.Length ? low : args.Length;
            high = high < args.Length ? high : args.Length;
            int first = low;
            float key = args.Keys[(long)e];
            while (low < high)
            {
                int middle = (low + high) >> 1;
                float other = args.Keys[start + middle];
                bool comesBefore = isLeft ? Before(other, key, args.Descending) : !Before(key, other, args.Descending);
                if (comesBefore)
                    low = middle + 1;
                else
                    high = middle;
            }
            long to = start + pair + (i - (isLeft ? pair : pair + args.Width)) + (low - first);
            args.SortedKeys[to] = key;
            args.SortedPlaces[to] = args.Places[(long)e];
        }
    }

    private static bool Before(float a, float b, int descending) => descending != 0 ? Less(b, a) : Less(a, b);

    private static bool Less(float a, float b) => GpuMath.Less(a, b) | (GpuMath.Equal(a, a) & !GpuMath.Equal(b, b));
}
