using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Tests.Numerics;

public sealed unsafe class HalfPrecisionTests
{
    [TestCase(1f, 0x3F80)]
    [TestCase(-2.5f, 0xC020)]
    [TestCase(1.00390625f, 0x3F80, Description = "half a step above 1: a tie, to even")]
    [TestCase(1.01171875f, 0x3F82, Description = "a tie, to even above")]
    [TestCase(3.4028235e38f, 0x7F80, Description = "the largest float rounds to infinity")]
    [TestCase(float.NegativeInfinity, 0xFF80)]
    [TestCase(1e-45f, 0x0000)]
    [TestCase(-0f, 0x8000)]
    public void BFloat16_rounds_to_nearest_even(float value, int bits) => Assert.That(((BFloat16)value).Bits, Is.EqualTo((ushort)bits));

    [Test]
    public void Every_bfloat16_comes_back()
    {
        ushort[] all = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i), 0x3F80, 0x7FC0, 1];
        float[] floats = new float[all.Length];
        ushort[] back = new ushort[all.Length];
        fixed (ushort* p = all, q = back)
        fixed (float* f = floats)
        {
            HalfPrecision.FromBFloat16(p, f, all.Length);
            HalfPrecision.ToBFloat16(f, q, all.Length);
        }

        for (int i = 0; i < all.Length; i++)
        {
            if (float.IsNaN(floats[i])) Assert.That(float.IsNaN(new BFloat16(back[i])), Is.True);
            else Assert.That(back[i], Is.EqualTo(all[i]));
        }
    }

    [Test]
    public void Every_half_is_what_System_Half_says()
    {
        ushort[] all = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i), 0x3C00, 0x7E00, 1];
        float[] floats = new float[all.Length];
        fixed (ushort* p = all)
        fixed (float* f = floats) HalfPrecision.FromHalf(p, f, all.Length);
        for (int i = 0; i < all.Length; i++) Assert.That(floats[i], Is.EqualTo((float)BitConverter.UInt16BitsToHalf(all[i])), $"{all[i]:x4}");
    }

    [Test]
    public void Floats_round_as_the_scalar_conversions_do()
    {
        var random = new Random(5);
        List<float> values = [65504f, 65519.996f, 65520f, -65520f, 5.9604645e-8f, 2.9802322e-8f, 2.9802326e-8f, 6.1035156e-5f, 6.1035152e-5f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, -0f, 1e-45f];
        for (int i = 0; i < 100_000; i++) values.Add(BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)));
        for (int i = 0; i < 100_000; i++) values.Add((float)((random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-30, 18))));
        for (int i = 0; i < 65536; i++)
        {
            // The ties between neighbouring halves and bfloat16s, and a step to either side.
            float tie = BitConverter.Int32BitsToSingle((i << 16) | 0x8000), half = (float)BitConverter.UInt16BitsToHalf((ushort)i);
            values.AddRange([tie, float.BitIncrement(tie), float.BitDecrement(tie), (half + (float)BitConverter.UInt16BitsToHalf((ushort)(i + 1))) / 2]);
        }

        float[] from = [.. values];
        ushort[] b = new ushort[from.Length], h = new ushort[from.Length];
        fixed (float* f = from)
        fixed (ushort* pb = b, ph = h)
        {
            HalfPrecision.ToBFloat16(f, pb, from.Length);
            HalfPrecision.ToHalf(f, ph, from.Length);
        }

        int wrongB = 0, wrongH = 0;
        for (int i = 0; i < from.Length; i++)
        {
            bool nan = float.IsNaN(from[i]);
            if (nan ? !float.IsNaN(new BFloat16(b[i])) : b[i] != ((BFloat16)from[i]).Bits) wrongB++;
            if (nan ? !Half.IsNaN(BitConverter.UInt16BitsToHalf(h[i])) : h[i] != BitConverter.HalfToUInt16Bits((Half)from[i])) wrongH++;
        }

        Assert.That((wrongB, wrongH), Is.EqualTo((0, 0)));
    }
}
