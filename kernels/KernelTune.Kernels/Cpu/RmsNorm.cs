using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// y = x·rstd·(weight + offset), rstd = 1/√(mean(x²) + eps), row by row (Zhang and Sennrich, 2019; offset 1: Gemma). V is 16 wide. Rows begin every
/// xStep, yStep … elements; columns are dense. Callers share the rows out.
/// </summary>
public static unsafe class RmsNorm
{
    /// <summary>Rows of one partial sum of <see cref="GradWeight"/>.</summary>
    public const int RowsOfPartial = 64;

    /// <summary>Rows [rowStart, rowEnd). weight: [columns] or null (then offset counts for nothing); rstd: [rows]. y may be x.</summary>
    public static void Forward<V>(float* x, long xStep, float* weight, float offset, float* y, long yStep, float* rstd, long rowStart, long rowEnd, int columns, float eps)
        where V : struct, IRowLane<V>
    {
        for (long row = rowStart; row < rowEnd; row++)
        {
            float* xr = x + row * xStep, yr = y + row * yStep;
            float inverse = 1f / MathF.Sqrt(RowLoops.Sum<V, Squared>(xr, xr, xr, columns, soon: yr) / columns + eps);
            rstd[row] = inverse;
            if (weight == null) RowLoops.Map<V, Scaled>(xr, xr, xr, yr, columns, inverse, ahead: xStep);
            else RowLoops.Map<V, Normalised>(xr, weight, xr, yr, columns, inverse, offset, ahead: xStep);
        }
    }

    /// <summary>
    /// dx = rstd·(g − x·rstd²·mean(g·x)), g = dy·(weight + offset), for rows [rowStart, rowEnd); added to dx where accumulate. dx may be dy where it is not.
    /// </summary>
    public static void GradInput<V>(float* x, long xStep, float* weight, float offset, float* rstd, float* dy, long dyStep, float* dx, long dxStep,
        long rowStart, long rowEnd, int columns, bool accumulate) where V : struct, IRowLane<V>
    {
        for (long row = rowStart; row < rowEnd; row++)
        {
            float* xr = x + row * xStep, dyr = dy + row * dyStep, dxr = dx + row * dxStep;
            float inverse = rstd[row];
            float dot = weight == null ? RowLoops.Sum<V, Product>(dyr, xr, xr, columns, soon: dxr) : RowLoops.Sum<V, WeightedProduct>(dyr, xr, weight, columns, offset, soon: dxr);
            float along = -inverse * inverse * inverse * (dot / columns);
            if (accumulate) Accumulate<V>(xr, weight, offset, dyr, dxr, columns, inverse, along);
            else if (weight == null) RowLoops.Map<V, GradPlain>(dyr, xr, xr, dxr, columns, inverse, along);
            else RowLoops.Map<V, GradWeighted>(dyr, xr, weight, dxr, columns, inverse, along, offset, ahead: xStep);
        }
    }

    private static void Accumulate<V>(float* x, float* weight, float offset, float* dy, float* dx, int columns, float inverse, float along) where V : struct, IRowLane<V>
    {
        V rstd = V.Create(inverse), k = V.Create(along), w0 = V.Create(offset);
        int i = 0;
        for (; i + 16 <= columns; i += 16)
        {
            V w = weight == null ? V.One : V.Load(weight + i) + w0;
            V.Store(V.Load(dx + i) + V.Fma(V.Load(x + i), k, V.Load(dy + i) * w * rstd), dx + i);
        }

        int n = columns - i;
        if (n > 0)
        {
            V w = weight == null ? V.One : V.LoadPart(weight + i, n) + w0;
            V.StorePart(V.LoadPart(dx + i, n) + V.Fma(V.LoadPart(x + i, n), k, V.LoadPart(dy + i, n) * w * rstd), dx + i, n);
        }
    }

    /// <summary>
    /// partial[c] = Σ dy·x·rstd over rows [rowStart, rowEnd), in order: at most <see cref="RowsOfPartial"/> rows from a multiple of it, so that sums do not
    /// depend on the number of threads. The partials are then added by <see cref="Reductions.Columns"/>.
    /// </summary>
    public static void GradWeight<V>(float* x, long xStep, float* rstd, float* dy, long dyStep, float* partial, long rowStart, long rowEnd, int columns)
        where V : struct, IRowLane<V>
    {
        new Span<float>(partial, columns).Clear();
        for (long row = rowStart; row < rowEnd; row++)
            RowLoops.Map<V, WeightTerm>(dy + row * dyStep, x + row * xStep, partial, partial, columns, rstd[row]);
    }

    private readonly struct Normalised : IRowFormula
    {
        public static int Inputs => 2;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V x, V weight, V c, V rstd, V offset, V r) where V : struct, ILane<V> => x * rstd * (weight + offset);
    }

    private readonly struct GradPlain : IRowFormula
    {
        public static int Inputs => 2;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V dy, V x, V c, V rstd, V along, V r) where V : struct, ILane<V> => V.Fma(x, along, dy * rstd);
    }

    private readonly struct GradWeighted : IRowFormula
    {
        public static int Inputs => 3;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V dy, V x, V weight, V rstd, V along, V offset) where V : struct, ILane<V> => V.Fma(x, along, dy * (weight + offset) * rstd);
    }

    private readonly struct WeightTerm : IRowFormula
    {
        public static int Inputs => 3;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V dy, V x, V sum, V rstd, V q, V r) where V : struct, ILane<V> => V.Fma(dy, x * rstd, sum);
    }
}
