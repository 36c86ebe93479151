using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Elementwise;

/// <summary>a·x + b.</summary>
public readonly struct AffineOf : IUnaryOp<AffineParams>
{
    public static bool DerivativeReadsOutput => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Forward<V>(V x, in AffineParams p)
        where V : struct, ILane<V> => V.Fma(x, V.Create(p.Factor), V.Create(p.Term));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Derivative<V>(V x, in AffineParams p)
        where V : struct, ILane<V> => V.Create(p.Factor);
}
