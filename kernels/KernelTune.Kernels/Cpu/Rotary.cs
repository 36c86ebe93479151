using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Cpu;

/// <summary>Rotary positions (Su et al., 2021): pairs of channels (a, b) → (a·cos − b·sin, b·cos + a·sin). V is 16 wide.</summary>
public static unsafe class Rotary
{
    /// <summary>
    /// The heads of one position: x, y: [heads, width], rows every xStep, yStep elements; cos, sin: [half]. Pairs are (j, j + half) or, interleaved,
    /// (2j, 2j + 1); channels from 2·half on pass through. inverse turns the other way: the backward. y may be x.
    /// </summary>
    public static void Apply<V>(float* x, long xStep, float* y, long yStep, int heads, int width, float* cos, float* sin, int half, bool interleaved, bool inverse)
        where V : struct, IRowLane<V>
    {
        for (int head = 0; head < heads; head++)
        {
            float* xr = x + head * xStep, yr = y + head * yStep;
            if (interleaved) Interleaved(xr, yr, cos, sin, half, inverse);
            else Halves<V>(xr, yr, cos, sin, half, inverse ? -1f : 1f);
            if (width > 2 * half && xr != yr) new ReadOnlySpan<float>(xr + 2 * half, width - 2 * half).CopyTo(new Span<float>(yr + 2 * half, width - 2 * half));
        }
    }

    private static void Halves<V>(float* x, float* y, float* cos, float* sin, int half, float direction) where V : struct, IRowLane<V>
    {
        V turn = V.Create(direction);
        int i = 0;
        for (; i + 16 <= half; i += 16)
        {
            V a = V.Load(x + i), b = V.Load(x + half + i), c = V.Load(cos + i), s = V.Load(sin + i) * turn;
            V.Store(V.Fma(a, c, -(b * s)), y + i);
            V.Store(V.Fma(b, c, a * s), y + half + i);
        }

        int n = half - i;
        if (n > 0)
        {
            V a = V.LoadPart(x + i, n), b = V.LoadPart(x + half + i, n), c = V.LoadPart(cos + i, n), s = V.LoadPart(sin + i, n) * turn;
            V.StorePart(V.Fma(a, c, -(b * s)), y + i, n);
            V.StorePart(V.Fma(b, c, a * s), y + half + i, n);
        }
    }

    // Neighbouring channels (GPT-J) are rare: one pair at a time, with the same roundings.
    private static void Interleaved(float* x, float* y, float* cos, float* sin, int half, bool inverse)
    {
        for (int j = 0; j < half; j++)
        {
            float a = x[2 * j], b = x[2 * j + 1], c = cos[j], s = inverse ? -sin[j] : sin[j];
            y[2 * j] = MathF.FusedMultiplyAdd(a, c, -(b * s));
            y[2 * j + 1] = MathF.FusedMultiplyAdd(b, c, a * s);
        }
    }
}
