using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>
/// Lion (Chen et al., 2023): p·(1 − lr·wd) − lr·sign(β1·m + (1 − β1)·g), then m ← β2·m + (1 − β2)·g; sign(0) = 0. Inputs: parameter, gradient, momentum; outputs: parameter, momentum.
/// </summary>
public readonly struct Lion : IUpdateRule
{
    public static string Name => "lion";

    public static int Inputs => 3;

    public static int Outputs => 2;

    public static (double First, double Second) Corrections(in UpdateSettings settings, int step) => (1, 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<V>(V a, V b, V c, V d, in UpdateParams p, out V x, out V y, out V z)
        where V : struct, ILane<V>
    {
        V g = b * V.Create(p.Clip);
        V u = V.Fma(V.Create(1 - p.Beta1), g, V.Create(p.Beta1) * c);
        // What is neither above nor below 0 stays as it is: 0, or no number, which must not vanish in a sign.
        V sign = V.Select(u > V.Zero, V.One, V.Select(u < V.Zero, -V.One, u));
        x = V.Fma(V.Create(-p.Rate), sign, a * V.Create(p.Decay));
        y = V.Fma(V.Create(1 - p.Beta2), g - c, c);
        z = V.Zero;
    }
}
