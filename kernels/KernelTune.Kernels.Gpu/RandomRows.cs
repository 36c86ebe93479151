using ILGPU;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Gpu;

/// <summary>The operands of <see cref="RandomKernel"/>. Key: the seed; counter: site, step, micro-batch, element / 4.</summary>
public struct RandomArgs
{
    public ArrayView<G32> Y;
    public long Start;
    public uint Count, Key0, Key1, Site, Step, MicroBatch;
}

/// <summary>y[i] = uniform in [0, 1), 24 bits: word i mod 4 of counter i / 4, as on the CPU. A thread makes four numbers at a time.</summary>
public readonly struct RandomKernel : IGpuKernel<RandomArgs>
{
    public static void Run(RandomArgs args)
    {
        uint blocks = (args.Count + 3) >> 2;
        for (uint block = GridWalk.First; block < blocks; block += GridWalk.Stride)
        {
            Philox.Rounds(new GU32(args.Site), new GU32(args.Step), new GU32(args.MicroBatch), new GU32(block), args.Key0, args.Key1,
                out GU32 a, out GU32 b, out GU32 c, out GU32 d);
            uint i = block << 2;
            args.Y[args.Start + i] = GU32.Uniform(a);
            if (i + 1 < args.Count)
                args.Y[args.Start + i + 1] = GU32.Uniform(b);
            if (i + 2 < args.Count)
                args.Y[args.Start + i + 2] = GU32.Uniform(c);
            if (i + 3 < args.Count)
                args.Y[args.Start + i + 3] = GU32.Uniform(d);
        }
    }
}
