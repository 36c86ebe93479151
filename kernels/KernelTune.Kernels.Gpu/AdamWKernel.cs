using ILGPU;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Kernels.Gpu;

/// <summary>The operands of <see cref="AdamWKernel"/>, all dense from their starts. Scalars: lr, 1 − β1ᵗ, 1 − β2ᵗ, the clip factor.</summary>
public struct AdamWArgs
{
    public ArrayView<G32> P, G, M, V;
    public ArrayView<float> Scalars;
    public long StartP, StartG, StartM, StartV, StartScalars;
    public uint Count;
    public double Beta1, Beta2, Eps, WeightDecay;
}

/// <summary>One step of AdamW: the formula, with the step's numbers read where they lie, so that no host number changes from step to step.</summary>
public readonly struct AdamWKernel : IGpuKernel<AdamWArgs>
{
    public static void Run(AdamWArgs args)
    {
        long s = args.StartScalars;
        double lr = args.Scalars[s];

        // AdamWParams.Of with a product that stays one: ptxas would fuse it with the difference.
        AdamWParams step = new(args.Beta1, args.Beta2, args.Eps, 1 - GpuMath.Multiply(lr, args.WeightDecay), lr / args.Scalars[s + 1], 1 / Math.Sqrt(args.Scalars[s + 2]), args.Scalars[s + 3]);
        for (uint i = GridWalk.First; i < args.Count; i += GridWalk.Stride)
        {
            AdamW.Apply(args.P[args.StartP + i], args.G[args.StartG + i], args.M[args.StartM + i], args.V[args.StartV + i], step, out G32 p, out G32 m, out G32 v);
            args.P[args.StartP + i] = p;
            args.M[args.StartM + i] = m;
            args.V[args.StartV + i] = v;
        }
    }
}
