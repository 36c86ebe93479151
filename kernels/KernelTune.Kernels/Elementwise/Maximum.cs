using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>The larger; at a tie each operand gets half of the gradient.</summary>
public readonly struct Maximum : IBinaryOp<None>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V a, V b, in None p)
        where V : struct, ILane<V> => V.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Derivative<V>(V a, V b, in None p, out V da, out V db)
        where V : struct, ILane<V>
    {
        da = V.Select(a > b, V.One, V.Select(V.Equal(a, b), V.Create(0.5), V.Zero));
        db = V.Select(b > a, V.One, V.Select(V.Equal(a, b), V.Create(0.5), V.Zero));
    }
}
