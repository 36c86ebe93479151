using System.Runtime.InteropServices;

namespace KernelTune.Checkpoints.Tests;

public sealed class WeightFormatTests
{
    [Test]
    public void F16_decodes_all_65536_patterns_as_the_runtime_does([Values(65536, 65535, 7)] int count)
    {
        var halves = Enumerable.Range(0, count).Select(i => BitConverter.UInt16BitsToHalf((ushort)i)).ToArray();
        var values = new float[count];
        WeightFormats.F16.Decode(MemoryMarshal.AsBytes(halves.AsSpan()), values);
        for (var i = 0; i < count; i++)
        {
            var expected = (float)halves[i];
            if (float.IsNaN(expected))
                Assert.That(values[i], Is.NaN);
            else if (BitConverter.SingleToInt32Bits(values[i]) != BitConverter.SingleToInt32Bits(expected))
                Assert.Fail($"pattern {i:x4} is {values[i]:R}, wanted {expected:R}");
        }
    }

    [TestCase(1f, 0x3F80)]
    [TestCase(1.00390625f, 0x3F80)]
    [TestCase(1.01171875f, 0x3F82)]
    [TestCase(-0f, 0x8000)]
    [TestCase(3.4028235e38f, 0x7F80)]
    [TestCase(1e-45f, 0x0000)]
    [TestCase(float.PositiveInfinity, 0x7F80)]
    public void BF16_rounds_to_nearest_ties_to_even_in_vectors_and_tails(float value, int bits)
    {
        var values = new float[19];
        Array.Fill(values, value);
        var codes = new byte[38];
        WeightFormats.BF16.Encode(values, codes);
        Assert.That(MemoryMarshal.Cast<byte, ushort>(codes).ToArray(), Is.All.EqualTo((ushort)bits));
    }

    [Test]
    public void A_NaN_stays_one_in_every_float_type()
    {
        foreach (var format in new[] { WeightFormats.BF16, WeightFormats.F16, WeightFormats.F8E4M3, WeightFormats.F8E5M2, WeightFormats.F64 })
        {
            var values = Enumerable.Repeat(BitConverter.Int32BitsToSingle(0x7F800001), 17).ToArray();
            var codes = new byte[17 * format.BlockBytes];
            format.Encode(values, codes);
            format.Decode(codes, values);
            Assert.That(values, Is.All.NaN, format.Name);
        }
    }

    [TestCase("Q4_0", 18)]
    [TestCase("Q4_1", 20)]
    [TestCase("Q5_0", 22)]
    [TestCase("Q5_1", 24)]
    [TestCase("Q8_0", 34)]
    public void Blocks_decode_by_their_formula(string name, int bytes)
    {
        const int blocks = 37;
        var format = WeightFormats.Find(name)!;
        var random = new Random(5);
        var codes = new byte[blocks * bytes];
        random.NextBytes(codes);
        for (var b = 0; b < blocks; b++)
        {
            for (var at = 0; at < (name.EndsWith('1') ? 4 : 2); at += 2)
                BitConverter.TryWriteBytes(codes.AsSpan((b * bytes) + at), (Half)(random.NextSingle() - 0.5f));
        }

        var values = new float[blocks * 32];
        format.Decode(codes, values);
        for (var i = 0; i < values.Length; i++)
            Assert.That(values[i], Is.EqualTo(Formula(name, codes.AsSpan(i / 32 * bytes, bytes), i % 32)), $"{name} {i}");
    }

    [TestCase("Q4_0", 0.0f)]
    [TestCase("Q4_1", 0.07f)]
    [TestCase("Q5_0", 0.0f)]
    [TestCase("Q5_1", 0.035f)]
    [TestCase("Q8_0", 0.005f)]
    public void Encoding_is_within_half_a_step_and_keeps_zeros(string name, float most)
    {
        var format = WeightFormats.Find(name)!;
        var values = Enumerable.Range(0, 64).Select(i => i < 32 ? 0f : MathF.Sin(i)).ToArray();
        var codes = new byte[2 * format.BlockBytes];
        format.Encode(values, codes);
        var back = new float[64];
        format.Decode(codes, back);
        Assert.That(back[..32], Is.All.EqualTo(0f));
        // Q4_0 and Q5_0 cut the end of the range that is not the extreme: a whole step there.
        var bound = most > 0 ? most : name == "Q4_0" ? 0.13f : 0.07f;
        Assert.That(values.Zip(back, (a, b) => Math.Abs(a - b)).Max(), Is.LessThan(bound).And.GreaterThan(0));
    }

    [Test]
    public void Bytes_of_a_count_are_whole_blocks_or_refused()
    {
        Assert.That(WeightFormats.Q4_1.TryBytes(64, out var bytes), Is.True);
        Assert.That(bytes, Is.EqualTo(40));
        Assert.That(WeightFormats.Q4_1.TryBytes(33, out _), Is.False);
        Assert.That(WeightFormats.F64.TryBytes(long.MaxValue / 2, out _), Is.False);
    }

    private static float Formula(string name, ReadOnlySpan<byte> block, int i)
    {
        var d = (float)MemoryMarshal.Read<Half>(block);
        var m = (float)MemoryMarshal.Read<Half>(block[2..]);
        int Nibble(ReadOnlySpan<byte> q) => i < 16 ? q[i] & 15 : q[i - 16] >> 4;
        int Fifth(ReadOnlySpan<byte> h) => (int)((MemoryMarshal.Read<uint>(h) >> i) & 1) << 4;
        return name switch
        {
            "Q4_0" => d * (Nibble(block[2..]) - 8),
            "Q4_1" => (d * Nibble(block[4..])) + m,
            "Q5_0" => d * ((Nibble(block[6..]) | Fifth(block[2..])) - 16),
            "Q5_1" => (d * (Nibble(block[8..]) | Fifth(block[4..]))) + m,
            _ => d * (sbyte)block[2 + i],
        };
    }
}
