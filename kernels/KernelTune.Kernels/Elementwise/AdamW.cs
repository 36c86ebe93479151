using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>
/// AdamW (Loshchilov and Hutter, 2019) in PyTorch's order: p·(1 − lr·wd), then m and v, then p − lr/(1 − β1ᵗ)·m/(√v/√(1 − β2ᵗ) + eps).
/// Inputs: parameter, gradient, first and second moment; outputs: parameter, first and second moment.
/// </summary>
public readonly struct AdamW : IUpdateRule
{
    public static string Name => "adamw";

    public static int Inputs => 4;

    public static int Outputs => 3;

    public static (double First, double Second) Corrections(in UpdateSettings settings, int step) => (1 - Math.Pow(settings.Beta1, step), 1 - Math.Pow(settings.Beta2, step));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<V>(V a, V b, V c, V d, in UpdateParams p, out V x, out V y, out V z)
        where V : struct, ILane<V>
    {
        V g = b * V.Create(p.Clip);
        // Betas are taken from 1 in double: in single 1 − 0.999 has lost five digits.
        y = V.Fma(V.Create(1 - p.Beta1), g - c, c);
        z = V.Fma(V.Create(1 - p.Beta2) * g, g, V.Create(p.Beta2) * d);
        V denominator = V.Fma(V.Sqrt(z), V.Create(p.InverseRootCorrection), V.Create(p.Eps));
        x = V.Fma(V.Create(-p.Step), y / denominator, a * V.Create(p.Decay));
    }
}

/// <summary>Adam (Kingma and Ba, 2015): the weight decay is added to the gradient (L2), clipped as it is. Operands as <see cref="AdamW"/>'s.</summary>
public readonly struct Adam : IUpdateRule
{
    public static string Name => "adam";

    public static int Inputs => 4;

    public static int Outputs => 3;

    public static (double First, double Second) Corrections(in UpdateSettings settings, int step) => AdamW.Corrections(settings, step);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<V>(V a, V b, V c, V d, in UpdateParams p, out V x, out V y, out V z)
        where V : struct, ILane<V>
    {
        V g = V.Fma(V.Create(p.WeightDecay), a, b * V.Create(p.Clip));
        y = V.Fma(V.Create(1 - p.Beta1), g - c, c);
        z = V.Fma(V.Create(1 - p.Beta2) * g, g, V.Create(p.Beta2) * d);
        V denominator = V.Fma(V.Sqrt(z), V.Create(p.InverseRootCorrection), V.Create(p.Eps));
        x = V.Fma(V.Create(-p.Step), y / denominator, a);
    }
}
