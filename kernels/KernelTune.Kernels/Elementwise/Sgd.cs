using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>Stochastic gradient descent: p − lr·(g + wd·p). Inputs: parameter, gradient; output: parameter.</summary>
public readonly struct Sgd : IUpdateRule
{
    public static string Name => "sgd";

    public static int Inputs => 2;

    public static int Outputs => 1;

    public static (double First, double Second) Corrections(in UpdateSettings settings, int step) => (1, 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<V>(V a, V b, V c, V d, in UpdateParams p, out V x, out V y, out V z)
        where V : struct, ILane<V>
    {
        V g = V.Fma(V.Create(p.WeightDecay), a, b * V.Create(p.Clip));
        x = V.Fma(V.Create(-p.Rate), g, a);
        y = V.Zero;
        z = V.Zero;
    }
}

/// <summary>
/// SGD with momentum as PyTorch has it: m ← β·m + (1 − dampening)·(g + wd·p), the first time without dampening; p − lr·m. Inputs: parameter, gradient, momentum; outputs: parameter, momentum.
/// </summary>
public readonly struct SgdMomentum : IUpdateRule
{
    public static string Name => "sgd_momentum";

    public static int Inputs => 3;

    public static int Outputs => 2;

    public static (double First, double Second) Corrections(in UpdateSettings settings, int step) => (step == 1 ? 1 : 1 - settings.Dampening, 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<V>(V a, V b, V c, V d, in UpdateParams p, out V x, out V y, out V z)
        where V : struct, ILane<V>
    {
        V g = V.Fma(V.Create(p.WeightDecay), a, b * V.Create(p.Clip));
        y = V.Fma(V.Create(p.First), g, V.Create(p.Beta1) * c);
        x = V.Fma(V.Create(-p.Rate), y, a);
        z = V.Zero;
    }
}

/// <summary>Nesterov's momentum as PyTorch has it: <see cref="SgdMomentum"/>'s m, but p − lr·(g + wd·p + β·m).</summary>
public readonly struct SgdNesterov : IUpdateRule
{
    public static string Name => "sgd_nesterov";

    public static int Inputs => 3;

    public static int Outputs => 2;

    public static (double First, double Second) Corrections(in UpdateSettings settings, int step) => SgdMomentum.Corrections(settings, step);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<V>(V a, V b, V c, V d, in UpdateParams p, out V x, out V y, out V z)
        where V : struct, ILane<V>
    {
        V g = V.Fma(V.Create(p.WeightDecay), a, b * V.Create(p.Clip));
        y = V.Fma(V.Create(p.First), g, V.Create(p.Beta1) * c);
        x = V.Fma(V.Create(-p.Rate), V.Fma(V.Create(p.Beta1), y, g), a);
        z = V.Zero;
    }
}
