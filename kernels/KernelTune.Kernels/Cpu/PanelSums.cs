using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace KernelTune.Kernels.Cpu;

/// <summary>The 32 sums of one row and one panel, put into C or added to what is there.</summary>
internal static unsafe class PanelSums
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(float* to, Vector512<float> low, Vector512<float> high, bool add)
    {
        if (add)
            (low, high) = (Vector512.Load(to) + low, Vector512.Load(to + 16) + high);
        low.Store(to);
        high.Store(to + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(float* to, Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d, bool add)
    {
        if (add)
            (a, b, c, d) = (Vector256.Load(to) + a, Vector256.Load(to + 8) + b, Vector256.Load(to + 16) + c, Vector256.Load(to + 24) + d);
        a.Store(to);
        b.Store(to + 8);
        c.Store(to + 16);
        d.Store(to + 24);
    }
}
