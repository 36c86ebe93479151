using ILGPU;
using KernelTune.Kernels.Elementwise;

namespace KernelTune.Kernels.Gpu;

/// <summary>What an optimizer's step reads beside its operands: the settings, and where the step's scalars lie: lr, the rule's two corrections, the clip factor.</summary>
public struct UpdateNumbers
{
    public ArrayView<float> Scalars;
    public long Start;
    public double Beta1, Beta2, Eps, WeightDecay;

    /// <summary>The step's numbers, read where they lie, so that no host number changes from step to step.</summary>
    public readonly UpdateParams Params()
    {
        double lr = Scalars[Start], first = Scalars[Start + 1];

        // UpdateParams.Of with a product that stays one: ptxas would fuse it with the difference.
        return new(Beta1, Beta2, Eps, WeightDecay, lr, 1 - GpuMath.Multiply(lr, WeightDecay), first, lr / first, 1 / Math.Sqrt(Scalars[Start + 2]), Scalars[Start + 3]);
    }
}

/// <summary>The operands of <see cref="UpdateKernel{TRule}"/>, all dense from their starts. What the rule has not is not read.</summary>
public struct UpdateArgs
{
    public ArrayView<G32> P, G, M, V;
    public long StartP, StartG, StartM, StartV;
    public uint Count;
    public UpdateNumbers Numbers;
}

/// <summary>One step of an optimizer: the rule's formula.</summary>
public readonly struct UpdateKernel<TRule> : IGpuKernel<UpdateArgs>
    where TRule : struct, IUpdateRule
{
    public static void Run(UpdateArgs args)
    {
        UpdateParams step = args.Numbers.Params();
        for (uint i = GridWalk.First; i < args.Count; i += GridWalk.Stride)
        {
            G32 state = G32.Zero, other = G32.Zero;
            if (TRule.Inputs > 2)
                state = args.M[args.StartM + i];
            if (TRule.Inputs > 3)
                other = args.V[args.StartV + i];
            TRule.Apply(args.P[args.StartP + i], args.G[args.StartG + i], state, other, step, out G32 p, out G32 m, out G32 v);
            args.P[args.StartP + i] = p;
            if (TRule.Outputs > 1)
                args.M[args.StartM + i] = m;
            if (TRule.Outputs > 2)
                args.V[args.StartV + i] = v;
        }
    }
}
