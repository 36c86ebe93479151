using ILGPU;
using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Kernels.Gpu;

/// <summary>The operands of <see cref="BlockwiseUpdateKernel{TRule}"/>, all dense from their starts. Levels: 256 signed ones, then 256 unsigned ones.</summary>
public struct BlockwiseUpdateArgs
{
    public ArrayView<G32> P, G, MagnitudesM, MagnitudesV, Levels;
    public ArrayView<byte> M, V;
    public long StartP, StartG, StartM, StartV, StartMagnitudesM, StartMagnitudesV, StartLevels;
    public uint Count;
    public UpdateNumbers Numbers;
}

/// <summary>One step of an optimizer over states in 8 bits, a group a block of 256: decoded, updated, the greatest magnitude found in a tree, encoded by search among the midpoints.</summary>
public readonly struct BlockwiseUpdateKernel<TRule> : IGpuKernel<BlockwiseUpdateArgs>
    where TRule : struct, IUpdateRule
{
    private const int Levels = 256;

    public static void Run(BlockwiseUpdateArgs args)
    {
        ArrayView<G32> first = SharedMemory.Allocate<G32>(BlockwiseUpdate.Block), second = SharedMemory.Allocate<G32>(BlockwiseUpdate.Block), most = SharedMemory.Allocate<G32>(BlockwiseUpdate.Block);
        UpdateParams step = args.Numbers.Params();
        uint blocks = (args.Count + BlockwiseUpdate.Block - 1) / BlockwiseUpdate.Block;
        for (uint block = (uint)Grid.IdxX; block < blocks; block += (uint)Grid.DimX)
        {
            uint begin = block * BlockwiseUpdate.Block;
            int count = (int)(args.Count - begin < BlockwiseUpdate.Block ? args.Count - begin : BlockwiseUpdate.Block);
            for (int i = Group.IdxX; i < count; i += Group.DimX)
            {
                uint at = begin + (uint)i;
                G32 state = args.Levels[args.StartLevels + args.M[args.StartM + at]] * args.MagnitudesM[args.StartMagnitudesM + block], other = G32.Zero;
                if (TRule.Inputs > 3)
                    other = args.Levels[args.StartLevels + Levels + args.V[args.StartV + at]] * args.MagnitudesV[args.StartMagnitudesV + block];
                TRule.Apply(args.P[args.StartP + at], args.G[args.StartG + at], state, other, step, out G32 p, out G32 m, out G32 v);
                args.P[args.StartP + at] = p;
                first[i] = m;
                second[i] = v;
            }
            G32 magnitude = Greatest(first, most, count);
            for (int i = Group.IdxX; i < count; i += Group.DimX)
                args.M[args.StartM + begin + (uint)i] = Nearest(args.Levels, args.StartLevels, first[i] * Inverse(magnitude));
            if (Group.IdxX == 0)
                args.MagnitudesM[args.StartMagnitudesM + block] = magnitude;
            if (TRule.Inputs > 3)
            {
                magnitude = Greatest(second, most, count);
                for (int i = Group.IdxX; i < count; i += Group.DimX)
                    args.V[args.StartV + begin + (uint)i] = Nearest(args.Levels, args.StartLevels + Levels, second[i] * Inverse(magnitude));
                if (Group.IdxX == 0)
                    args.MagnitudesV[args.StartMagnitudesV + block] = magnitude;
            }
            Group.Barrier();
        }
    }

    // Reads and writes of the block before it stand apart from what follows by its barriers.
    private static G32 Greatest(ArrayView<G32> numbers, ArrayView<G32> most, int count)
    {
        Group.Barrier();
        for (int i = Group.IdxX; i < BlockwiseUpdate.Block; i += Group.DimX)
            most[i] = i < count ? G32.Abs(numbers[i]) : G32.Zero;
        Group.Barrier();
        for (int half = BlockwiseUpdate.Block / 2; half > 0; half >>= 1)
        {
            for (int i = Group.IdxX; i < half; i += Group.DimX)
                most[i] = G32.Max(most[i], most[i + half]);
            Group.Barrier();
        }
        return most[0];
    }

    // A reciprocal of less would overflow.
    private static G32 Inverse(G32 magnitude) => G32.One / G32.GreaterOf(new G32(1e-38f), magnitude);

    // How many midpoints lie below x.
    private static byte Nearest(ArrayView<G32> levels, long start, G32 x)
    {
        int low = 0, high = Levels - 1;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            G32 between = (levels[start + middle] + levels[start + middle + 1]) * new G32(0.5f);
            if (GpuMath.Less(between.Value, x.Value))
                low = middle + 1;
            else
                high = middle;
        }
        return (byte)low;
    }
}
