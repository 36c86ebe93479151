using System.Runtime.CompilerServices;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Cpu;

/// <summary>Softmax and its logarithm over dense rows of <c>columns</c> elements that begin every xStep, yStep … elements. V is 16 wide.</summary>
public static unsafe class Softmax
{
    /// <summary>
    /// y = e^(x − max)/Σ, or x − max − ln Σ where log, for rows [rowStart, rowEnd). −∞ gives 0 (or −∞). A row of −∞ alone gives zeros where emptyIsZero, else
    /// NaN. y may be x.
    /// </summary>
    public static void Forward<V>(float* x, long xStep, float* y, long yStep, long rowStart, long rowEnd, int columns, bool log, bool emptyIsZero)
        where V : struct, IRowLane<V>
    {
        for (long row = rowStart; row < rowEnd; row++)
        {
            float* xr = x + row * xStep, yr = y + row * yStep;
            float max = RowLoops.Largest<V>(xr, columns, yr);
            if (log)
            {
                float sum = RowLoops.Sum<V, ExpFrom>(xr, xr, xr, columns, max);
                RowLoops.Map<V, LogOf>(xr, xr, xr, yr, columns, max, F32.Log(new(sum)).Value);
            }
            else if (emptyIsZero && float.IsNegativeInfinity(max))
            {
                new Span<float>(yr, columns).Clear();
            }
            else
            {
                float sum = RowLoops.MapSum<V, ExpFrom>(xr, xr, xr, yr, columns, max);
                RowLoops.Map<V, Scaled>(yr, yr, yr, yr, columns, 1f / sum);
            }
        }
    }

    /// <summary>dx = y·(dy − Σ dy·y), or dy − e^y·Σ dy where log, for rows [rowStart, rowEnd); added to dx where accumulate. dx may be dy where it is not.</summary>
    public static void Grad<V>(float* y, long yStep, float* dy, long dyStep, float* dx, long dxStep, long rowStart, long rowEnd, int columns, bool log, bool accumulate)
        where V : struct, IRowLane<V>
    {
        for (long row = rowStart; row < rowEnd; row++)
        {
            float* yr = y + row * yStep, dyr = dy + row * dyStep, dxr = dx + row * dxStep;
            float sum = log ? RowLoops.Sum<V, Itself>(dyr, dyr, dyr, columns) : RowLoops.Sum<V, Product>(dyr, yr, yr, columns);
            if (log && accumulate) RowLoops.Map<V, LogGradAdded>(yr, dyr, dxr, dxr, columns, sum);
            else if (log) RowLoops.Map<V, LogGrad>(yr, dyr, yr, dxr, columns, sum);
            else if (accumulate) RowLoops.Map<V, GradAdded>(yr, dyr, dxr, dxr, columns, sum);
            else RowLoops.Map<V, GradOf>(yr, dyr, yr, dxr, columns, sum);
        }
    }

    private readonly struct LogOf : IRowFormula
    {
        public static int Inputs => 1;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V x, V b, V c, V max, V logSum, V r) where V : struct, ILane<V> => x - max - logSum;
    }

    private readonly struct GradOf : IRowFormula
    {
        public static int Inputs => 2;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V y, V dy, V c, V sum, V q, V r) where V : struct, ILane<V> => y * (dy - sum);
    }

    private readonly struct GradAdded : IRowFormula
    {
        public static int Inputs => 3;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V y, V dy, V dx, V sum, V q, V r) where V : struct, ILane<V> => V.Fma(y, dy - sum, dx);
    }

    private readonly struct LogGrad : IRowFormula
    {
        public static int Inputs => 2;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V y, V dy, V c, V sum, V q, V r) where V : struct, ILane<V> => dy - V.Exp(y) * sum;
    }

    private readonly struct LogGradAdded : IRowFormula
    {
        public static int Inputs => 3;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V y, V dy, V dx, V sum, V q, V r) where V : struct, ILane<V> => dx + (dy - V.Exp(y) * sum);
    }
}
