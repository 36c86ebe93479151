using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>One step's numbers of <see cref="AdamW"/>, computed once from the settings and the step's scalars.</summary>
/// <param name="Beta1">The decay of m.</param>
/// <param name="Beta2">The decay of v.</param>
/// <param name="Eps">Added to the root, after the correction.</param>
/// <param name="Decay">1 − lr·weight decay.</param>
/// <param name="Step">lr/(1 − β1ᵗ).</param>
/// <param name="InverseRootCorrection">1/√(1 − β2ᵗ).</param>
/// <param name="Clip">The factor of the gradient: 1 unless the global norm is too large.</param>
public readonly record struct AdamWParams(double Beta1, double Beta2, double Eps, double Decay, double Step, double InverseRootCorrection, double Clip)
{
    /// <summary>From the one-element values that a step keeps in device memory: lr, 1 − β1ᵗ, 1 − β2ᵗ and the clip factor.</summary>
    public static AdamWParams Of(double beta1, double beta2, double eps, double weightDecay, double lr, double correction1, double correction2, double clip) =>
        new(beta1, beta2, eps, 1 - lr * weightDecay, lr / correction1, 1 / Math.Sqrt(correction2), clip);
}

/// <summary>
/// AdamW (Loshchilov and Hutter, 2019) in PyTorch's order: p·(1 − lr·wd), then m and v, then p − lr/(1 − β1ᵗ)·m/(√v/√(1 − β2ᵗ) + eps).
/// Inputs: parameter, gradient, first and second moment; outputs: parameter, first and second moment.
/// </summary>
public readonly struct AdamW : IElementwise<AdamWParams>
{
    public static int Inputs => 4;

    public static int Outputs => 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<V>(V a, V b, V c, V d, in AdamWParams p, out V x, out V y, out V z)
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
