using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>The limit of both operands and the factor in the sigmoid.</summary>
public readonly record struct ClampedParams(double Limit, double Alpha);

/// <summary>
/// g·σ(α·g)·(u + 1), with the gate g cut above and u cut on both sides at the limit (GPT-OSS); a is the gate. On a limit itself the slope is 1, beyond it 0.
/// </summary>
public readonly struct ClampedSwiGlu : IBinaryOp<ClampedParams>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V a, V b, in ClampedParams p)
        where V : struct, ILane<V>
    {
        V limit = V.Create(p.Limit);
        V gate = V.Min(a, limit);
        V up = V.Max(V.Min(b, limit), -limit);
        return gate / (V.One + V.Exp(gate * V.Create(-p.Alpha))) * (up + V.One);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Derivative<V>(V a, V b, in ClampedParams p, out V da, out V db)
        where V : struct, ILane<V>
    {
        V limit = V.Create(p.Limit);
        V gate = V.Min(a, limit);
        V up = V.Max(V.Min(b, limit), -limit);
        V s = V.One / (V.One + V.Exp(gate * V.Create(-p.Alpha)));
        V slope = s * V.Fma(gate * V.Create(p.Alpha), V.One - s, V.One);
        da = V.Select(a <= limit, slope * (up + V.One), V.Zero);
        db = V.Select((b <= limit) & (b >= -limit), gate * s, V.Zero);
    }
}
