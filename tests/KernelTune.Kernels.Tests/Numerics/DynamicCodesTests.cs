using KernelTune.Kernels.Numerics;

namespace KernelTune.Kernels.Tests.Numerics;

public sealed unsafe class DynamicCodesTests
{
    private static IEnumerable<InstructionSet> Sets => Enum.GetValues<InstructionSet>().Where(InstructionSets.IsSupported);

    [Test]
    public void A_look_up_finds_what_a_search_finds([Values] bool signed, [ValueSource(nameof(Sets))] InstructionSet set)
    {
        DynamicCodes codes = signed ? DynamicCodes.Signed : DynamicCodes.Unsigned;
        var search = new BlockQuantizer(CodeTables.Dynamic(signed));
        var numbers = new List<float> { 0, float.Epsilon, 1e-30f, 1e-8f, 1, MathF.BitDecrement(1) };

        // Around every level and midpoint, and every exponent with many fractions.
        for (int i = 0; i + 1 < 256; i++)
        {
            foreach (float at in (ReadOnlySpan<float>)[(codes.Levels[i] + codes.Levels[i + 1]) / 2, codes.Levels[i]])
                numbers.AddRange([at, MathF.BitIncrement(at), MathF.BitDecrement(at)]);
        }
        for (int bits = 0x33000000; bits <= 0x3F800000; bits += 997)
            numbers.Add(BitConverter.Int32BitsToSingle(bits));
        if (signed)
            numbers.AddRange([.. numbers.Select(x => -x)]);
        float[] x = [.. numbers.Where(n => Math.Abs(n) <= 1 && (signed || n >= 0))];
        var found = new byte[x.Length];
        fixed (float* from = x)
        fixed (byte* to = found)
            codes.Encode(set, from, to, x.Length);
        for (int i = 0; i < x.Length; i++)
            Assert.That(found[i], Is.EqualTo(search.Nearest(x[i])), $"{x[i]:R}");
        Assert.That(x, Has.Length.GreaterThan(200_000));
    }

    [Test]
    public void What_is_no_number_or_too_large_takes_a_code_of_the_table([ValueSource(nameof(Sets))] InstructionSet set)
    {
        float[] x = [.. Enumerable.Repeat((float[])[float.NaN, -float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1.0000001f, -1.0000001f], 8).SelectMany(o => o)];
        var signed = new byte[x.Length];
        var unsigned = new byte[x.Length];
        fixed (float* from = x)
        fixed (byte* toSigned = signed, toUnsigned = unsigned)
        {
            DynamicCodes.Signed.Encode(set, from, toSigned, x.Length);
            DynamicCodes.Unsigned.Encode(set, from, toUnsigned, x.Length);
        }
        Assert.That(signed, Has.All.AnyOf((byte)0, (byte)255));
        Assert.That(signed[2..6], Is.EqualTo(new byte[] { 255, 0, 255, 0 }));
        Assert.That(unsigned, Has.All.EqualTo((byte)255));
    }

    [Test]
    public void Every_code_comes_back([ValueSource(nameof(Sets))] InstructionSet set)
    {
        foreach (DynamicCodes codes in (DynamicCodes[])[DynamicCodes.Signed, DynamicCodes.Unsigned])
        {
            byte[] all = [.. Enumerable.Range(0, 256).Select(i => (byte)i)], again = new byte[256];
            var levels = new float[256];
            fixed (byte* from = all, to = again)
            fixed (float* between = levels)
            {
                codes.Decode(set, from, between, 256);
                codes.Encode(set, between, to, 256);
            }
            Assert.That(levels, Is.EqualTo(codes.Levels));
            Assert.That(again, Is.EqualTo(all));
        }
    }
}
