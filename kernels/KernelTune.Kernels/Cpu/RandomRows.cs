using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// Counter-based random numbers over dense memory: element i takes word i mod 4 of the block with counter i / 4, so that pieces may be given to any thread and
/// vectors may have any width.
/// </summary>
public static unsafe class RandomRows
{
    /// <summary>y[i] = uniform in [0, 1), 24 bits, for i in [start, end). start: a multiple of 4.</summary>
    public static void Uniform(InstructionSet set, float* y, long start, long end, in RandomPlace place)
    {
        switch (set)
        {
            case InstructionSet.Avx512: Run<F32x16, U32x16, Draw>(y, y, start, end, place, 0, 1); break;
            case InstructionSet.Avx2: Run<F32x8, U32x8, Draw>(y, y, start, end, place, 0, 1); break;
            default: Run<F32x4, U32x4, Draw>(y, y, start, end, place, 0, 1); break;
        }
    }

    /// <summary>Inverted dropout: y[i] = x[i]/(1 − p) where the place's uniform number is at least p, else 0, for i in [start, end). start: a multiple of 4. y may be x.</summary>
    public static void Dropout(InstructionSet set, float* x, float* y, long start, long end, in RandomPlace place, double p)
    {
        float limit = (float)p, scale = (float)(1 / (1 - p));
        switch (set)
        {
            case InstructionSet.Avx512: Run<F32x16, U32x16, Keep>(x, y, start, end, place, limit, scale); break;
            case InstructionSet.Avx2: Run<F32x8, U32x8, Keep>(x, y, start, end, place, limit, scale); break;
            default: Run<F32x4, U32x4, Keep>(x, y, start, end, place, limit, scale); break;
        }
    }

    private interface IUse
    {
        static abstract bool ReadsInput { get; }
        static abstract V Of<V>(V x, V uniform, V limit, V scale) where V : struct, ILane<V>;
    }

    private readonly struct Draw : IUse
    {
        public static bool ReadsInput => false;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V x, V uniform, V limit, V scale) where V : struct, ILane<V> => uniform;
    }

    private readonly struct Keep : IUse
    {
        public static bool ReadsInput => true;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V x, V uniform, V limit, V scale) where V : struct, ILane<V> => V.Select(uniform >= limit, x * scale, V.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<V, U, TUse>(float* x, float* y, long start, long end, in RandomPlace place, float limit, float scale)
        where V : struct, IVectorLane<V> where U : struct, IUniformLane<U, V> where TUse : struct, IUse
    {
        RandomPlace local = place;
        V l = V.Create(limit), s = V.Create(scale);
        for (long i = start; i < end; i += 4 * V.Width)
        {
            Philox.Block(local, (uint)(i >> 2), out U r0, out U r1, out U r2, out U r3);
            One<V, TUse>(x + i, y + i, U.Uniform(r0), end - i, l, s);
            One<V, TUse>(x + i + V.Width, y + i + V.Width, U.Uniform(r1), end - i - V.Width, l, s);
            One<V, TUse>(x + i + 2 * V.Width, y + i + 2 * V.Width, U.Uniform(r2), end - i - 2 * V.Width, l, s);
            One<V, TUse>(x + i + 3 * V.Width, y + i + 3 * V.Width, U.Uniform(r3), end - i - 3 * V.Width, l, s);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void One<V, TUse>(float* x, float* y, V uniform, long left, V limit, V scale) where V : struct, IVectorLane<V> where TUse : struct, IUse
    {
        if (left >= V.Width)
        {
            V.Store(TUse.Of(TUse.ReadsInput ? V.Load(x) : V.Zero, uniform, limit, scale), y);
        }
        else if (left > 0)
        {
            V.StorePart(TUse.Of(TUse.ReadsInput ? V.LoadPart(x, (int)left) : V.Zero, uniform, limit, scale), y, (int)left);
        }
    }
}
