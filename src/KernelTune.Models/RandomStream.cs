using KernelTune.Kernels.Lanes;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Models;

/// <summary>Random numbers in order, from Philox: a function of seed and name alone.</summary>
public sealed class RandomStream(ulong seed, string name)
{
    private readonly RandomPlace place = new(seed, StableHash.Site(name + "/init"), 0, 0);
    private uint block;
    private int have;
    private (uint A, uint B, uint C, uint D) words;
    private (double A, double B, double C, double D) normals;

    /// <summary>The next numbers of the stream.</summary>
    public void Fill(Span<float> numbers, in FreshWeight weight)
    {
        if (weight.Deviation == 0 && weight.Bound == 0)
        {
            numbers.Fill((float)weight.Constant);
            return;
        }
        for (int i = 0; i < numbers.Length; i++)
        {
            Advance();
            numbers[i] = (float)(weight.Deviation != 0 ? weight.Deviation * Normal() : weight.Bound * Uniform());
        }
    }

    private void Advance()
    {
        if (have == 0)
        {
            Philox.Block(place, block++, out U32 a, out var b, out var c, out var d);
            words = (a.Value, b.Value, c.Value, d.Value);
            (normals.A, normals.B) = Pair(a.Value, b.Value);
            (normals.C, normals.D) = Pair(c.Value, d.Value);
            have = 4;
        }
        have--;
    }

    private double Normal() => have switch { 3 => normals.A, 2 => normals.B, 1 => normals.C, _ => normals.D };

    // In (−1, 1).
    private double Uniform() => (2 * ((have switch { 3 => words.A, 2 => words.B, 1 => words.C, _ => words.D } + 0.5) / 4294967296.0)) - 1;

    // Box and Muller's transform; u in (0, 1], so that its logarithm is finite.
    private static (double First, double Second) Pair(uint first, uint second)
    {
        double radius = Math.Sqrt(-2 * Math.Log((first + 1.0) / 4294967296.0)), angle = 2 * Math.PI * second / 4294967296.0;
        return (radius * Math.Cos(angle), radius * Math.Sin(angle));
    }
}
