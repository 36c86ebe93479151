using System.Runtime.CompilerServices;
using KernelTune.Kernels.Elementwise;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Cpu;

/// <summary>Where one operand's row begins and how far apart its elements are (in elements; 0: one element for the whole row).</summary>
public readonly unsafe struct MapOperand(void* start, long step)
{
    public readonly byte* Start = (byte*)start;
    public readonly long Step = step;
}

/// <summary>The operands of one row of a map: up to four inputs and three outputs.</summary>
public struct MapRow
{
    public MapOperand A, B, C, D;
    public MapOperand X, Y, Z;
}

/// <summary>The CPU's driver of elementwise formulas: loops and tails live here, the formula knows one lane.</summary>
public static unsafe class MapKernel
{
    /// <summary>
    /// Runs a formula over <paramref name="count"/> elements of a row. Steps of 0 and 1 run <paramref name="count"/> / Width vectors and one partial one;
    /// any other step runs element by element through the narrow lane: the same bits. Outputs may be inputs (same start and step).
    /// </summary>
    public static void Run<V, TNarrow, TOp, P>(in MapRow row, long count, in P p)
        where V : struct, IVectorLane<V>
        where TNarrow : struct, IVectorLane<TNarrow>
        where TOp : struct, IElementwise<P>
        where P : struct
    {
        if (IsSimple(row.A) && IsSimple(row.B) && IsSimple(row.C) && IsSimple(row.D) && row.X.Step == 1 && row.Y.Step <= 1 && row.Z.Step <= 1)
            Vectors<V, TOp, P>(row, count, p);
        else
            Singles<TNarrow, TOp, P>(row, count, p);
    }

    private static bool IsSimple(in MapOperand operand) => operand.Step is 0 or 1;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Vectors<V, TOp, P>(in MapRow row, long count, in P p)
        where V : struct, IVectorLane<V>
        where TOp : struct, IElementwise<P>
        where P : struct
    {
        byte* a = row.A.Start, b = row.B.Start, c = row.C.Start, d = row.D.Start, x = row.X.Start, y = row.Y.Start, z = row.Z.Start;
        long stepA = row.A.Step * V.ElementSize, stepB = row.B.Step * V.ElementSize, stepC = row.C.Step * V.ElementSize, stepD = row.D.Step * V.ElementSize;
        P local = p;
        long i = 0;
        for (; i + V.Width <= count; i += V.Width)
        {
            V vb = V.Zero, vc = V.Zero, vd = V.Zero;
            V va = stepA == 0 ? V.Broadcast(a) : V.Load(a + (i * stepA));
            if (TOp.Inputs > 1)
                vb = stepB == 0 ? V.Broadcast(b) : V.Load(b + (i * stepB));
            if (TOp.Inputs > 2)
                vc = stepC == 0 ? V.Broadcast(c) : V.Load(c + (i * stepC));
            if (TOp.Inputs > 3)
                vd = stepD == 0 ? V.Broadcast(d) : V.Load(d + (i * stepD));
            TOp.Apply(va, vb, vc, vd, local, out V vx, out V vy, out V vz);
            V.Store(vx, x + (i * V.ElementSize));
            if (TOp.Outputs > 1)
                V.Store(vy, y + (i * V.ElementSize));
            if (TOp.Outputs > 2)
                V.Store(vz, z + (i * V.ElementSize));
        }
        int left = (int)(count - i);
        if (left > 0)
        {
            V vb = V.Zero, vc = V.Zero, vd = V.Zero;
            V va = stepA == 0 ? V.Broadcast(a) : V.LoadPart(a + (i * stepA), left);
            if (TOp.Inputs > 1)
                vb = stepB == 0 ? V.Broadcast(b) : V.LoadPart(b + (i * stepB), left);
            if (TOp.Inputs > 2)
                vc = stepC == 0 ? V.Broadcast(c) : V.LoadPart(c + (i * stepC), left);
            if (TOp.Inputs > 3)
                vd = stepD == 0 ? V.Broadcast(d) : V.LoadPart(d + (i * stepD), left);
            TOp.Apply(va, vb, vc, vd, local, out V vx, out V vy, out V vz);
            V.StorePart(vx, x + (i * V.ElementSize), left);
            if (TOp.Outputs > 1)
                V.StorePart(vy, y + (i * V.ElementSize), left);
            if (TOp.Outputs > 2)
                V.StorePart(vz, z + (i * V.ElementSize), left);
        }
    }

    private static void Singles<V, TOp, P>(in MapRow row, long count, in P p)
        where V : struct, IVectorLane<V>
        where TOp : struct, IElementwise<P>
        where P : struct
    {
        int size = V.ElementSize;
        P local = p;
        for (long i = 0; i < count; i++)
        {
            V vb = V.Zero, vc = V.Zero, vd = V.Zero;
            V va = V.Load(At(row.A, i, size));
            if (TOp.Inputs > 1)
                vb = V.Load(At(row.B, i, size));
            if (TOp.Inputs > 2)
                vc = V.Load(At(row.C, i, size));
            if (TOp.Inputs > 3)
                vd = V.Load(At(row.D, i, size));
            TOp.Apply(va, vb, vc, vd, local, out V vx, out V vy, out V vz);
            V.Store(vx, At(row.X, i, size));
            if (TOp.Outputs > 1)
                V.Store(vy, At(row.Y, i, size));
            if (TOp.Outputs > 2)
                V.Store(vz, At(row.Z, i, size));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* At(in MapOperand operand, long i, int size) => operand.Start + (i * operand.Step * size);
}
