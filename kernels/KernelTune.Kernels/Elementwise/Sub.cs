using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>a − b.</summary>
public readonly struct Sub : IBinaryOp<None>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V a, V b, in None p)
        where V : struct, ILane<V> => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Derivative<V>(V a, V b, in None p, out V da, out V db)
        where V : struct, ILane<V>
    {
        da = V.One;
        db = V.Create(-1.0);
    }
}
