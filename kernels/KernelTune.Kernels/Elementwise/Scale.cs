using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>s·x.</summary>
public readonly struct Scale : IUnaryOp<ScaleParams>
{
    public static bool DerivativeReadsOutput => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in ScaleParams p)
        where V : struct, ILane<V> => x * V.Create(p.Factor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, in ScaleParams p)
        where V : struct, ILane<V> => V.Create(p.Factor);
}
