using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Cpu;

/// <summary>
/// y = (x − mean)·rstd·weight + bias, rstd = 1/√(var + eps), var with divisor C, row by row (Ba et al., 2016). V is 16 wide. Rows begin every xStep, yStep …
/// elements; columns are dense. Callers share the rows out.
/// </summary>
public static unsafe class LayerNorm
{
    /// <summary>Rows of one partial sum of <see cref="GradWeight"/>.</summary>
    public const int RowsOfPartial = 64;

    /// <summary>Rows [rowStart, rowEnd). weight, bias: [columns] or null; mean, rstd: [rows]. y may be x.</summary>
    public static void Forward<V>(float* x, long xStep, float* weight, float* bias, float* y, long yStep, float* mean, float* rstd, long rowStart, long rowEnd,
        int columns, float eps) where V : struct, IRowLane<V>
    {
        for (long row = rowStart; row < rowEnd; row++)
        {
            float* xr = x + row * xStep, yr = y + row * yStep;
            float centre = RowLoops.Sum<V, Itself>(xr, xr, xr, columns) / columns;
            float inverse = 1f / MathF.Sqrt(RowLoops.Sum<V, SquaredFrom>(xr, xr, xr, columns, centre, soon: yr) / columns + eps);
            mean[row] = centre;
            rstd[row] = inverse;
            if (weight != null && bias != null) RowLoops.Map<V, ScaledAndShifted>(xr, weight, bias, yr, columns, centre, inverse, ahead: xStep);
            else if (weight != null) RowLoops.Map<V, WithWeight>(xr, weight, xr, yr, columns, centre, inverse, ahead: xStep);
            else if (bias != null) RowLoops.Map<V, WithBias>(xr, bias, xr, yr, columns, centre, inverse, ahead: xStep);
            else RowLoops.Map<V, Plain>(xr, xr, xr, yr, columns, centre, inverse, ahead: xStep);
        }
    }

    /// <summary>
    /// dx = rstd·(g − mean(g) − n·mean(g·n)), g = dy·weight, n = (x − mean)·rstd, for rows [rowStart, rowEnd); added to dx where accumulate.
    /// </summary>
    public static void GradInput<V>(float* x, long xStep, float* weight, float* mean, float* rstd, float* dy, long dyStep, float* dx, long dxStep,
        long rowStart, long rowEnd, int columns, bool accumulate) where V : struct, IRowLane<V>
    {
        for (long row = rowStart; row < rowEnd; row++)
        {
            float* xr = x + row * xStep, dyr = dy + row * dyStep, dxr = dx + row * dxStep;
            float centre = mean[row], inverse = rstd[row], meanG, meanGn;
            if (weight == null)
            {
                meanG = RowLoops.Sum<V, Itself>(dyr, dyr, dyr, columns) / columns;
                meanGn = RowLoops.Sum<V, Centred>(xr, dyr, dyr, columns, centre, soon: dxr) * inverse / columns;
            }
            else
            {
                meanG = RowLoops.Sum<V, Product>(dyr, weight, dyr, columns) / columns;
                meanGn = RowLoops.Sum<V, CentredWeighted>(xr, dyr, weight, columns, centre, soon: dxr) * inverse / columns;
            }

            GradRow<V>(xr, weight, dyr, dxr, columns, centre, inverse, meanG, meanGn, accumulate);
        }
    }

    private static void GradRow<V>(float* x, float* weight, float* dy, float* dx, int columns, float centre, float inverse, float meanG, float meanGn, bool accumulate)
        where V : struct, IRowLane<V>
    {
        V mean = V.Create(centre), rstd = V.Create(inverse), g0 = V.Create(meanG), slope = V.Create(-inverse * meanGn);
        int i = 0;
        for (; i + 16 <= columns; i += 16)
        {
            V g = weight == null ? V.Load(dy + i) : V.Load(dy + i) * V.Load(weight + i);
            V y = V.Fma(V.Load(x + i) - mean, slope, g - g0) * rstd;
            V.Store(accumulate ? V.Load(dx + i) + y : y, dx + i);
        }

        int n = columns - i;
        if (n > 0)
        {
            V g = weight == null ? V.LoadPart(dy + i, n) : V.LoadPart(dy + i, n) * V.LoadPart(weight + i, n);
            V y = V.Fma(V.LoadPart(x + i, n) - mean, slope, g - g0) * rstd;
            V.StorePart(accumulate ? V.LoadPart(dx + i, n) + y : y, dx + i, n);
        }
    }

    /// <summary>
    /// partialWeight[c] = Σ dy·(x − mean)·rstd and partialBias[c] = Σ dy over rows [rowStart, rowEnd), in order; either may be null. At most
    /// <see cref="RowsOfPartial"/> rows from a multiple of it; the partials are then added by <see cref="Reductions.Columns"/>.
    /// </summary>
    public static void GradWeight<V>(float* x, long xStep, float* mean, float* rstd, float* dy, long dyStep, float* partialWeight, float* partialBias,
        long rowStart, long rowEnd, int columns) where V : struct, IRowLane<V>
    {
        if (partialWeight != null) new Span<float>(partialWeight, columns).Clear();
        if (partialBias != null) new Span<float>(partialBias, columns).Clear();
        for (long row = rowStart; row < rowEnd; row++)
        {
            float* dyr = dy + row * dyStep;
            if (partialWeight != null) RowLoops.Map<V, WeightTerm>(dyr, x + row * xStep, partialWeight, partialWeight, columns, mean[row], rstd[row]);
            if (partialBias != null) RowLoops.Map<V, BiasTerm>(dyr, partialBias, dyr, partialBias, columns);
        }
    }

    private readonly struct Plain : IRowFormula
    {
        public static int Inputs => 1;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V x, V b, V c, V mean, V rstd, V r) where V : struct, ILane<V> => (x - mean) * rstd;
    }

    private readonly struct WithWeight : IRowFormula
    {
        public static int Inputs => 2;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V x, V weight, V c, V mean, V rstd, V r) where V : struct, ILane<V> => (x - mean) * rstd * weight;
    }

    private readonly struct WithBias : IRowFormula
    {
        public static int Inputs => 2;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V x, V bias, V c, V mean, V rstd, V r) where V : struct, ILane<V> => V.Fma(x - mean, rstd, bias);
    }

    private readonly struct ScaledAndShifted : IRowFormula
    {
        public static int Inputs => 3;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V x, V weight, V bias, V mean, V rstd, V r) where V : struct, ILane<V> => V.Fma((x - mean) * rstd, weight, bias);
    }

    private readonly struct Centred : IRowFormula
    {
        public static int Inputs => 2;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V x, V dy, V c, V mean, V q, V r) where V : struct, ILane<V> => (x - mean) * dy;
    }

    private readonly struct CentredWeighted : IRowFormula
    {
        public static int Inputs => 3;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V x, V dy, V weight, V mean, V q, V r) where V : struct, ILane<V> => (x - mean) * (dy * weight);
    }

    private readonly struct WeightTerm : IRowFormula
    {
        public static int Inputs => 3;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V dy, V x, V sum, V mean, V rstd, V r) where V : struct, ILane<V> => V.Fma(dy, (x - mean) * rstd, sum);
    }

    private readonly struct BiasTerm : IRowFormula
    {
        public static int Inputs => 2;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V dy, V sum, V c, V p, V q, V r) where V : struct, ILane<V> => sum + dy;
    }
}
