using KernelTune.Kernels.Cpu;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Tests.Cpu;

public sealed unsafe class RotaryTests
{
    private sealed record Case(float[] X, float[] Cos, float[] Sin, int Width, bool Interleaved, bool Inverse, bool InPlace) : IKernelCase
    {
        public float[] Run<V>() where V : struct, IRowLane<V>
        {
            float[] x = [.. X], y = new float[x.Length];
            fixed (float* px = x, py = y, cos = Cos, sin = Sin)
            {
                float* to = InPlace ? px : py;
                Rotary.Apply<V>(px, Width, to, Width, x.Length / Width, Width, cos, sin, Cos.Length, Interleaved, Inverse);
            }

            return InPlace ? x : y;
        }
    }

    [Test]
    public void Pairs_are_turned([Values(2, 16, 20, 32, 33)] int half, [Values(0, 6)] int passing, [Values] bool interleaved, [Values] bool inverse, [Values] bool inPlace)
    {
        int width = 2 * half + passing;
        float[] x = Lanes16.Random(1, 2 * width), cos = new float[half], sin = new float[half];
        for (int j = 0; j < half; j++) (cos[j], sin[j]) = ((float)Math.Cos(j * 0.3), (float)Math.Sin(j * 0.3));
        float[] y = Lanes16.Same(new Case(x, cos, sin, width, interleaved, inverse, inPlace));
        double[] expected = Lanes16.Doubles(x);
        for (int head = 0; head < 2; head++)
        for (int j = 0; j < half; j++)
        {
            int a = head * width + (interleaved ? 2 * j : j), b = head * width + (interleaved ? 2 * j + 1 : j + half);
            double s = inverse ? -sin[j] : sin[j];
            expected[a] = x[a] * (double)cos[j] - x[b] * s;
            expected[b] = x[b] * (double)cos[j] + x[a] * s;
        }

        Lanes16.Near(y, expected, 2e-7);
    }
}
