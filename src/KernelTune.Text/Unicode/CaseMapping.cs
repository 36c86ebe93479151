using System.Text;

namespace KernelTune.Text.Unicode;

/// <summary>Lower case and case folding, code point by code point and independent of any culture.</summary>
internal static class CaseMapping
{
    private static readonly Lazy<Dictionary<int, int[]>> Orbits = new(FindOrbits);

    /// <summary>The lower case of <paramref name="c"/>; <paramref name="combining"/> is the dot above that İ leaves, else 0.</summary>
    public static int ToLower(int c, out int combining)
    {
        combining = 0;
        if (c < 0x80) return c is >= 'A' and <= 'Z' ? c | 0x20 : c;
        if (c == 0x130)
        {
            combining = 0x307;
            return 'i';
        }
        return IsSurrogate(c) ? c : Rune.ToLowerInvariant(new Rune(c)).Value;
    }

    /// <summary>Every code point with the same simple case folding as <paramref name="c"/>, itself included.</summary>
    public static ReadOnlySpan<int> SameFold(int c, Span<int> single)
    {
        if (Orbits.Value.TryGetValue(c, out var orbit)) return orbit;
        single[0] = c;
        return single[..1];
    }

    private static int Fold(int c)
    {
        if (c == 0x17F) return 's';
        if (c is 0x130 or 0x131) return c;
        return Rune.ToLowerInvariant(Rune.ToUpperInvariant(new Rune(c))).Value;
    }

    private static Dictionary<int, int[]> FindOrbits()
    {
        var byFold = new Dictionary<int, List<int>>();
        for (int c = 'A'; c < 0x1F000; c++)
        {
            if (IsSurrogate(c)) continue;
            int fold = Fold(c);
            if (fold == c) continue;
            if (!byFold.TryGetValue(fold, out var list)) byFold[fold] = list = [fold];
            list.Add(c);
        }
        var orbits = new Dictionary<int, int[]>();
        foreach (var list in byFold.Values)
        {
            int[] all = [.. list];
            foreach (int c in all) orbits[c] = all;
        }
        return orbits;
    }

    private static bool IsSurrogate(int c) => c is >= 0xD800 and < 0xE000;
}
