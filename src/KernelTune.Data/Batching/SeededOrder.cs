namespace KernelTune.Data;

/// <summary>
/// Orders and choices that a seed alone decides: draw number i of a stream is a hash of (seed, stream, i), so that any of them can be made again without the
/// ones before it.
/// </summary>
public static class SeededOrder
{
    /// <summary>A permutation of 0 … count − 1 for one epoch (Fisher and Yates, 1938).</summary>
    public static int[] Permutation(int count, long seed, long epoch) => Shuffled(count, seed, unchecked((ulong)epoch * 2));

    /// <summary>
    /// Which of <paramref name="count"/> rows are held out for validation: round(share · count) of them, but at least one and not all. Ascending.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">share is not within (0, 1), or there are fewer than two rows.</exception>
    public static int[] HeldOut(int count, double share, long seed)
    {
        if (!(share > 0 && share < 1)) throw new ArgumentOutOfRangeException(nameof(share), $"a validation share of {share} was found, more than 0 and less than 1 wanted");
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 2);
        int held = Math.Clamp((int)Math.Round(share * count, MidpointRounding.AwayFromZero), 1, count - 1);
        return Chosen(count, held, seed, 1);
    }

    /// <summary>Which <paramref name="chosen"/> of <paramref name="count"/> rows of file number <paramref name="file"/> are drawn. Ascending.</summary>
    public static int[] Sample(int count, int chosen, long seed, int file) => Chosen(count, chosen, seed, 3 + (2 * (ulong)file));

    /// <summary>The number of a stream of draws that two numbers name.</summary>
    internal static ulong Stream(ulong first, ulong second) => Mix(Mix(first) ^ second) | 1UL << 63;      // apart from the small numbers of orders and samples

    /// <summary>Draw number <paramref name="counter"/> of a stream, in [0, 1).</summary>
    internal static double Uniform(long seed, ulong stream, ulong counter) => (Draw(unchecked((ulong)seed), stream, counter) >> 11) * (1.0 / (1UL << 53));

    /// <summary>Draw number <paramref name="counter"/> of a stream, one of 0 … bound − 1.</summary>
    internal static int Below(int bound, long seed, ulong stream, ulong counter) => (int)Math.BigMul(Draw(unchecked((ulong)seed), stream, counter), (ulong)bound, out _);

    private static int[] Chosen(int count, int chosen, long seed, ulong stream)
    {
        int[] rows = Shuffled(count, seed, stream)[..chosen];
        Array.Sort(rows);
        return rows;
    }

    private static int[] Shuffled(int count, long seed, ulong stream)
    {
        var order = new int[count];
        for (int i = 0; i < count; i++) order[i] = i;
        for (int i = count - 1; i > 0; i--)
        {
            int j = (int)Math.BigMul(Draw(unchecked((ulong)seed), stream, (ulong)i), (ulong)i + 1, out _);
            (order[i], order[j]) = (order[j], order[i]);
        }

        return order;
    }

    /// <summary>64 bits out of three words, each mixed in by the finalizer of SplitMix64 (Steele, Lea and Flood, 2014).</summary>
    private static ulong Draw(ulong seed, ulong stream, ulong counter) => Mix(Mix(Mix(seed) ^ stream) ^ counter);

    private static ulong Mix(ulong x)
    {
        unchecked
        {
            x += 0x9E3779B97F4A7C15;
            x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
            x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
            return x ^ (x >> 31);
        }
    }
}
