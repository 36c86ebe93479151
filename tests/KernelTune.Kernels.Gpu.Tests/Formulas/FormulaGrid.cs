namespace KernelTune.Kernels.Gpu.Tests.Formulas;

/// <summary>Operands that a formula is compared on: zeros, subnormals, the limits of the functions, infinities, NaN, and numbers of every size.</summary>
internal static class FormulaGrid
{
    private static readonly float[] Special =
    [
        0f, -0f, float.Epsilon, -float.Epsilon, 1e-40f, -1e-40f, 1.17549435e-38f, -1.17549435e-38f, 1.1754942e-38f,
        1e-30f, -1e-30f, 1e-7f, -1e-7f, 1e-4f, -1e-4f, 0.25f, -0.25f, 0.5f, -0.5f, 0.70710677f, 1f, -1f, 1.5f, -1.5f, 2f, -2f, 7f, -7f,
        20f, -20f, 88.7f, -88.7f, 89f, -89f, -103.9f, -104.1f, 1e4f, -1e4f, 16777216f, 1e30f, -1e30f, float.MaxValue, float.MinValue,
        float.PositiveInfinity, float.NegativeInfinity, float.NaN,
    ];

    /// <summary>Operands for a formula of so many inputs, [input][element].</summary>
    public static float[][] Of(int inputs)
    {
        var rows = new List<float[]>();
        if (inputs == 1)
            rows.AddRange(EveryBitPatternInSteps(200_003).Select(v => new[] { v }));
        // Every combination of the special values while they are few, else each pair in each two places beside drawn ones.
        var random = new Random(20);
        for (int first = 0; first < inputs; first++)
            for (int second = first; second < inputs; second++)
                foreach (float v in Special)
                    foreach (float w in Special)
                    {
                        float[] row = [.. Enumerable.Range(0, inputs).Select(_ => Special[random.Next(Special.Length)])];
                        (row[first], row[second]) = (v, w);
                        rows.Add(row);
                    }
        for (int i = 0; i < 4000; i++)
            rows.Add([.. Enumerable.Range(0, inputs).Select(_ => Drawn(random))]);
        return [.. Enumerable.Range(0, inputs).Select(input => rows.Select(r => r[input]).ToArray())];
    }

    // Most numbers of a network are within a few units of zero.
    private static float Drawn(Random random) => (float)((random.NextDouble() - 0.5) * Math.Pow(10, (random.NextDouble() * 6) - 3));

    private static IEnumerable<float> EveryBitPatternInSteps(uint step)
    {
        for (ulong bits = 0; bits <= uint.MaxValue; bits += step)
            yield return BitConverter.UInt32BitsToSingle((uint)bits);
    }
}
