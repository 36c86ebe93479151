using System.Runtime.Intrinsics.X86;
using KernelTune.Kernels.Lanes;

namespace KernelTune.Kernels.Tests.Lanes;

/// <summary>Every lane of floats gives the bits of the scalar one.</summary>
public sealed class LanesAgreeTests
{
    [Test] public void Exp_has_the_same_bits() => Agree<Exp>();
    [Test] public void Expm1_has_the_same_bits() => Agree<Expm1>();
    [Test] public void Log_has_the_same_bits() => Agree<Log>();
    [Test] public void Log1p_has_the_same_bits() => Agree<Log1p>();
    [Test] public void Tanh_has_the_same_bits() => Agree<Tanh>();
    [Test] public void Erf_has_the_same_bits() => Agree<Erf>();
    [Test] public void Max_has_the_same_bits() => Agree<Max>();
    [Test] public void Min_has_the_same_bits() => Agree<Min>();
    [Test] public void Arithmetic_has_the_same_bits() => Agree<Arithmetic>();
    [Test] public void Masks_have_the_same_bits() => Agree<Choices>();

    private static void Agree<TFunction>() where TFunction : IFunction
    {
        float[] a = LaneRunner.Arguments(1), b = [.. LaneRunner.Arguments(2).Reverse()];
        int[] expected = LaneRunner.Bits(LaneRunner.Run<TFunction, F32>(a, b));
        Assert.Multiple(() =>
        {
            Assert.That(LaneRunner.Bits(LaneRunner.Run<TFunction, F32x4>(a, b)), Is.EqualTo(expected), "F32x4");
            Assert.That(LaneRunner.Bits(LaneRunner.Run<TFunction, Pair<Pair<F32x4>>>(a, b)), Is.EqualTo(expected), "two pairs of F32x4");
            if (Avx2.IsSupported && Fma.IsSupported)
            {
                Assert.That(LaneRunner.Bits(LaneRunner.Run<TFunction, F32x8>(a, b)), Is.EqualTo(expected), "F32x8");
                Assert.That(LaneRunner.Bits(LaneRunner.Run<TFunction, Pair<F32x8>>(a, b)), Is.EqualTo(expected), "pair of F32x8");
            }

            if (Avx512F.IsSupported)
                Assert.That(LaneRunner.Bits(LaneRunner.Run<TFunction, F32x16>(a, b)), Is.EqualTo(expected), "F32x16");
        });
    }

    [Test]
    public void Reductions_have_the_same_bits()
    {
        var random = new Random(3);
        for (int round = 0; round < 1000; round++)
        {
            float[] x = new float[16];
            for (int i = 0; i < 16; i++) x[i] = (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-3, 4)));
            if (round % 10 == 9) x[random.Next(16)] = float.NaN;
            int[] portable = Reduced<Pair<Pair<F32x4>>>(x);
            if (Avx2.IsSupported) Assert.That(Reduced<Pair<F32x8>>(x), Is.EqualTo(portable));
            if (Avx512F.IsSupported) Assert.That(Reduced<F32x16>(x), Is.EqualTo(portable));
            if (round % 10 != 9) Assert.That(BitConverter.Int32BitsToSingle(portable[1]), Is.EqualTo(x.Max()));
            else Assert.That(portable[1], Is.EqualTo(int.MaxValue));
        }
    }

    private static unsafe int[] Reduced<V>(float[] x) where V : struct, IRowLane<V>
    {
        fixed (float* p = x)
        {
            V v = V.Load(p);
            return [.. LaneRunner.Bits([V.Sum(v), V.Largest(v)]), V.Any(v > V.Create(3f)) ? 1 : 0];
        }
    }

    [Test]
    public unsafe void A_part_touches_nothing_beyond_it([Range(0, 16)] int count)
    {
        float[] from = [.. Enumerable.Range(1, 16).Select(i => (float)i)];
        float[] expected = new float[16], expectedLoad = new float[16];
        Array.Fill(expected, -7f);
        Array.Copy(from, expected, count);
        Array.Copy(from, expectedLoad, count);
        Part<Pair<Pair<F32x4>>>();
        if (Avx2.IsSupported) Part<Pair<F32x8>>();
        if (Avx512F.IsSupported) Part<F32x16>();

        void Part<V>() where V : struct, IVectorLane<V>
        {
            float[] to = new float[16], loaded = new float[16];
            Array.Fill(to, -7f);
            fixed (float* a = from, b = to, c = loaded)
            {
                V.StorePart(V.Load(a), b, count);
                V.Store(V.LoadPart(a, count), c);
            }

            Assert.That(to, Is.EqualTo(expected));
            Assert.That(loaded, Is.EqualTo(expectedLoad));
        }
    }
}
