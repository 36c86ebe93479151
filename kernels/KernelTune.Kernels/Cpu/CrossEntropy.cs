using System.Runtime.CompilerServices;
using System.Diagnostics;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Cpu;

/// <summary>The variants of cross-entropy, as <see cref="CrossEntropy"/> reads them.</summary>
/// <param name="IgnoreIndex">Rows with this label count for nothing.</param>
/// <param name="Smoothing">e: the targets are (1 − e)·one-hot + e/V.</param>
/// <param name="ZLoss">z: adds z·lse².</param>
/// <param name="Softcap">c &gt; 0: logits become c·tanh(logits/c) first.</param>
public readonly record struct CrossEntropySettings(long IgnoreIndex = -100, float Smoothing = 0, float ZLoss = 0, float Softcap = 0);

/// <summary>
/// Cross-entropy of rows of logits with one label each. With the targets t_j = ((1 − e)·[j = label] + e/V)·weight_j and z the (capped) logits:
/// loss = Σ t_j·(lse − z_j) + zLoss·lse². V is 16 wide; rows are dense and begin every step elements. Labels are below the number of columns.
/// </summary>
public static unsafe class CrossEntropy
{
    /// <summary>loss[row] (0 where ignored) and lse[row] = ln Σ e^z for rows [rowStart, rowEnd). weight: [columns] or null.</summary>
    public static void Forward<V>(float* logits, long step, long* labels, float* weight, float* loss, float* lse, long rowStart, long rowEnd, int columns,
        in CrossEntropySettings settings) where V : struct, IRowLane<V>
    {
        float cap = settings.Softcap, smoothing = settings.Smoothing;
        for (long row = rowStart; row < rowEnd; row++)
        {
            float* x = logits + row * step;
            // tanh is monotonic, so the largest capped logit is the largest logit, capped.
            float max = Capped(RowLoops.Largest<V>(x, columns), cap);
            float sum = cap > 0 ? RowLoops.Sum<V, CappedExpFrom>(x, x, x, columns, max, cap, 1f / cap) : RowLoops.Sum<V, ExpFrom>(x, x, x, columns, max);
            // Infinite differences would make NaN of a row of −∞ alone: its lse is −∞.
            float rest = float.IsNegativeInfinity(max) ? 0 : F32.Log(new(sum)).Value, all = max + rest;
            lse[row] = all;
            long label = labels[row];
            if (label == settings.IgnoreIndex)
            {
                loss[row] = 0;
                continue;
            }

            Debug.Assert(label >= 0 && label < columns, "a label beyond the logits");
            float value = (1 - smoothing) * (weight == null ? 1 : weight[label]) * (max - Capped(x[label], cap) + rest);
            if (smoothing > 0) value += smoothing / columns * Spread<V>(x, weight, columns, all, cap);
            loss[row] = value + settings.ZLoss * all * all;
        }
    }

    // Σ weight_j·(lse − z_j).
    private static float Spread<V>(float* x, float* weight, int columns, float lse, float cap) where V : struct, IRowLane<V>
    {
        if (cap > 0)
            return weight == null ? RowLoops.Sum<V, CappedBelow>(x, x, x, columns, lse, cap, 1f / cap) : RowLoops.Sum<V, CappedWeightedBelow>(x, weight, x, columns, lse, cap, 1f / cap);
        return weight == null ? RowLoops.Sum<V, Below>(x, x, x, columns, lse) : RowLoops.Sum<V, WeightedBelow>(x, weight, x, columns, lse);
    }

    private static float Capped(float x, float cap) => cap > 0 ? cap * F32.Tanh(new(x * (1f / cap))).Value : x;

    /// <summary>
    /// dlogits = scale·(p·(Σ t + 2·zLoss·lse) − t)·dz/dx for rows [rowStart, rowEnd), zeros where ignored; scale is rowScale[row·rowScaleStep], read from memory.
    /// dlogits may be the logits. weightSum: Σ weight, needed where there are weights and smoothing.
    /// </summary>
    public static void Grad<V>(float* logits, long step, long* labels, float* weight, float weightSum, float* lse, float* rowScale, long rowScaleStep, float* dlogits,
        long dstep, long rowStart, long rowEnd, int columns, in CrossEntropySettings settings) where V : struct, IRowLane<V>
    {
        float cap = settings.Softcap, smoothing = settings.Smoothing;
        for (long row = rowStart; row < rowEnd; row++)
        {
            float* x = logits + row * step, d = dlogits + row * dstep;
            long label = labels[row];
            if (label == settings.IgnoreIndex)
            {
                new Span<float>(d, columns).Clear();
                continue;
            }

            Debug.Assert(label >= 0 && label < columns, "a label beyond the logits");
            float scale = rowScale[row * rowScaleStep], all = lse[row];
            float own = (1 - smoothing) * (weight == null ? 1 : weight[label]), each = smoothing / columns;
            float mass = own + (smoothing > 0 ? each * (weight == null ? columns : weightSum) : 0) + 2 * settings.ZLoss * all;
            // The logit is read first, because d may be x.
            float slope = 1;
            if (cap > 0)
            {
                float t = F32.Tanh(new(x[label] * (1f / cap))).Value;
                slope = 1 - t * t;
                CappedRow<V>(x, weight, d, columns, all, cap, scale * mass, scale * each);
            }
            else
            {
                // A float near lse = 100 is rounded by 4e-6, and e^(x − lse) with it: the row's own sum takes that out again.
                float sum = RowLoops.MapSum<V, ExpFrom>(x, x, x, d, columns, all), factor = scale * mass / sum;
                if (smoothing > 0 && weight != null) RowLoops.Map<V, GradWeighted>(d, weight, d, d, columns, factor, -scale * each);
                else RowLoops.Map<V, GradPlain>(d, d, d, d, columns, factor, -scale * each);
            }
            d[label] -= scale * own * slope;
        }
    }

    private static void CappedRow<V>(float* x, float* weight, float* d, int columns, float all, float cap, float mass, float each) where V : struct, IRowLane<V>
    {
        V lse = V.Create(all), c = V.Create(cap), inverse = V.Create(1f / cap), m = V.Create(mass), e = V.Create(each);
        for (int i = 0; i < columns; i += 16)
        {
            int n = Math.Min(columns - i, 16);
            V t = V.Tanh(V.LoadPart(x + i, n) * inverse), target = weight == null ? e : e * V.LoadPart(weight + i, n);
            V.StorePart((V.Exp(c * t - lse) * m - target) * (V.One - t * t), d + i, n);
        }
    }

    private readonly struct CappedExpFrom : IRowFormula
    {
        public static int Inputs => 1;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V x, V b, V c, V max, V cap, V inverse) where V : struct, ILane<V> => V.Exp(cap * V.Tanh(x * inverse) - max);
    }

    private readonly struct Below : IRowFormula
    {
        public static int Inputs => 1;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V x, V b, V c, V lse, V q, V r) where V : struct, ILane<V> => lse - x;
    }

    private readonly struct WeightedBelow : IRowFormula
    {
        public static int Inputs => 2;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V x, V weight, V c, V lse, V q, V r) where V : struct, ILane<V> => (lse - x) * weight;
    }

    private readonly struct CappedBelow : IRowFormula
    {
        public static int Inputs => 1;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V x, V b, V c, V lse, V cap, V inverse) where V : struct, ILane<V> => lse - cap * V.Tanh(x * inverse);
    }

    private readonly struct CappedWeightedBelow : IRowFormula
    {
        public static int Inputs => 2;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V x, V weight, V c, V lse, V cap, V inverse) where V : struct, ILane<V> => (lse - cap * V.Tanh(x * inverse)) * weight;
    }

    private readonly struct GradPlain : IRowFormula
    {
        public static int Inputs => 1;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V p, V b, V c, V factor, V each, V r) where V : struct, ILane<V> => V.Fma(p, factor, each);
    }

    private readonly struct GradWeighted : IRowFormula
    {
        public static int Inputs => 2;
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of<V>(V p, V weight, V c, V factor, V each, V r) where V : struct, ILane<V> => V.Fma(p, factor, weight * each);
    }
}
