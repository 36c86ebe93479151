namespace KernelTune.QuickstartText;

/// <summary>SplitMix64 (Steele, Lea and Flood, 2014): the same numbers for a seed on every runtime and machine.</summary>
public sealed class SeededRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>A whole number in [0, <paramref name="limit"/>).</summary>
    public int Below(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        // The high half of a 64 × 32 bit product: no modulo bias worth speaking of at these limits.
        return (int)Math.BigMul(Next(), (ulong)limit, out _);
    }

    /// <summary>True with the probability <paramref name="percent"/> / 100.</summary>
    public bool Chance(int percent) => Below(100) < percent;

    public T Pick<T>(IReadOnlyList<T> from)
    {
        ArgumentNullException.ThrowIfNull(from);
        return from[Below(from.Count)];
    }

    /// <summary>The same things in another order (Fisher and Yates).</summary>
    public T[] Shuffled<T>(IEnumerable<T> things)
    {
        T[] order = [.. things];
        for (int i = order.Length - 1; i > 0; i--)
        {
            int j = Below(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }

    private ulong Next()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
