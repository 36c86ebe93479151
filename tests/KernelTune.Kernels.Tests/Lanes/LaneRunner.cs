using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Tests.Lanes;

/// <summary>A function to be run on any lane of floats.</summary>
internal interface IFunction
{
    static abstract V Of<V>(V a, V b) where V : struct, ILane<V>;
}

internal readonly struct Exp : IFunction { public static V Of<V>(V a, V b) where V : struct, ILane<V> => V.Exp(a); }
internal readonly struct Expm1 : IFunction { public static V Of<V>(V a, V b) where V : struct, ILane<V> => V.Expm1(a); }
internal readonly struct Log : IFunction { public static V Of<V>(V a, V b) where V : struct, ILane<V> => V.Log(a); }
internal readonly struct Log1p : IFunction { public static V Of<V>(V a, V b) where V : struct, ILane<V> => V.Log1p(a); }
internal readonly struct Tanh : IFunction { public static V Of<V>(V a, V b) where V : struct, ILane<V> => V.Tanh(a); }
internal readonly struct Erf : IFunction { public static V Of<V>(V a, V b) where V : struct, ILane<V> => V.Erf(a); }
internal readonly struct Max : IFunction { public static V Of<V>(V a, V b) where V : struct, ILane<V> => V.Max(a, b); }
internal readonly struct Min : IFunction { public static V Of<V>(V a, V b) where V : struct, ILane<V> => V.Min(a, b); }
internal readonly struct Arithmetic : IFunction { public static V Of<V>(V a, V b) where V : struct, ILane<V> => V.Fma(a, b, V.Abs(a - b)) / (V.Sqrt(b) + V.One) - -a * b; }

internal readonly struct Choices : IFunction
{
    public static V Of<V>(V a, V b) where V : struct, ILane<V>
    {
        V y = V.Select((a < b) | V.IsNaN(a), a, b);
        y = V.Select((a >= b) & ~V.Equal(a, V.Zero), y + V.One, y);
        return V.Select((a <= V.One) & (b > V.Zero), y * y, y);
    }
}

internal static unsafe class LaneRunner
{
    /// <summary>y[i] = f(a[i], b[i]) on one lane; the last elements through LoadPart and StorePart.</summary>
    public static float[] Run<TFunction, V>(float[] a, float[] b) where TFunction : IFunction where V : struct, IVectorLane<V>
    {
        float[] y = new float[a.Length];
        fixed (float* pa = a, pb = b, py = y)
        {
            int i = 0;
            for (; i + V.Width <= a.Length; i += V.Width) V.Store(TFunction.Of(V.Load(pa + i), V.Load(pb + i)), py + i);
            int rest = a.Length - i;
            V.StorePart(TFunction.Of(V.LoadPart(pa + i, rest), V.LoadPart(pb + i, rest)), py + i, rest);
        }

        return y;
    }

    /// <summary>Zeros of both signs, the smallest and largest numbers, infinities, NaN, a dense grid, and random bit patterns.</summary>
    public static float[] Arguments(int seed)
    {
        var random = new Random(seed);
        List<float> values =
        [
            0f, -0f, float.Epsilon, -float.Epsilon, 1.17549435e-38f, -1.17549435e-38f, 1f, -1f, 0.99999994f, float.MaxValue, float.MinValue, float.PositiveInfinity,
            float.NegativeInfinity, float.NaN, 88.722f, 88.73f, 89f, 90f, -87.3f, -88f, -103.9f, -104f, -105f, 1e-30f, -1e-8f, 0.70710677f, 0.70710679f, 1.41421356f,
        ];
        for (int i = -4000; i <= 4000; i++) values.Add(i * 0.0271f);
        for (int i = 0; i < 40_000; i++) values.Add(BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)));
        return [.. values];
    }

    /// <summary>The bits, with one pattern for every NaN.</summary>
    public static int[] Bits(float[] values) => Array.ConvertAll(values, v => float.IsNaN(v) ? int.MaxValue : BitConverter.SingleToInt32Bits(v));
}
