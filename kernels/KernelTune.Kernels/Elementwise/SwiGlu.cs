using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>silu(gate)·up (Shazeer, 2020); a is the gate.</summary>
public readonly struct SwiGlu : IBinaryOp<None>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V a, V b, in None p)
        where V : struct, ILane<V> => a / (V.One + V.Exp(-a)) * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Derivative<V>(V a, V b, in None p, out V da, out V db)
        where V : struct, ILane<V>
    {
        da = Silu.Derivative(a, p) * b;
        db = Silu.Forward(a, p);
    }
}
