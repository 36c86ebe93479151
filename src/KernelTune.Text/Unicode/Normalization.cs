using System.Collections.Frozen;
using System.Globalization;

namespace KernelTune.Text.Unicode;

/// <summary>A code point of a normalized text: 0 replaces the next code point of the source, +1 is inserted, −n also swallows the n source code points that follow.</summary>
internal readonly record struct Change(int CodePoint, int Delta);

/// <summary>The normalization forms of Unicode (UAX #15) over code points, telling how each result relates to its source. The platform's own
/// normalization is not used: it is absent where globalization is invariant, and it tells nothing about positions.</summary>
internal sealed class Normalization
{
    private const int HangulBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7, VowelCount = 21, TailCount = 28, HangulCount = 11172;

    private static readonly Lazy<Normalization> Data = new(() => new Normalization());

    private readonly FrozenDictionary<int, byte> classes;
    private readonly FrozenDictionary<int, int[]> canonical;
    private readonly FrozenDictionary<int, int[]> compatible;
    private readonly FrozenDictionary<long, int> composed;

    private Normalization()
    {
        var classes = new Dictionary<int, byte>();
        var canonical = new Dictionary<int, int[]>();
        var compatible = new Dictionary<int, int[]>();
        var excluded = new HashSet<int>();
        foreach (string line in UnicodeResource.Lines("UnicodeNormalization.txt"))
        {
            string[] parts = line.Split(' ');
            int[] codes = [.. parts[1..].Select((p, i) => int.Parse(p, parts[0] == "c" && i == 2 ? NumberStyles.None : NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
            switch (parts[0])
            {
                case "c":
                    for (int c = codes[0]; c <= codes[1]; c++) classes[c] = (byte)codes[2];
                    break;
                case "d": canonical[codes[0]] = codes[1..]; break;
                case "k": compatible[codes[0]] = codes[1..]; break;
                default: excluded.Add(codes[0]); break;
            }
        }
        this.classes = classes.ToFrozenDictionary();
        composed = canonical.Where(d => d.Value.Length == 2 && !excluded.Contains(d.Key)).ToFrozenDictionary(d => Pair(d.Value[0], d.Value[1]), d => d.Key);
        this.canonical = canonical.Keys.ToFrozenDictionary(c => c, c => Expand(c, canonical, none));
        this.compatible = canonical.Keys.Concat(compatible.Keys).ToFrozenDictionary(c => c, c => Expand(c, canonical, compatible));
    }

    private static readonly Dictionary<int, int[]> none = [];

    /// <summary>True where no form changes the text whatever stands beside it: quick to decide for Latin text.</summary>
    public static bool IsUnaffected(ReadOnlySpan<char> text, bool compatible) =>
        text.IndexOfAnyExceptInRange('\0', compatible ? '\u007F' : '\u00BF') < 0;

    /// <summary>True where composing cannot change the text: nothing from U+0300 on.</summary>
    public static bool IsComposed(ReadOnlySpan<char> text) => text.IndexOfAnyExceptInRange('\0', '\u02FF') < 0;

    public static List<Change> Decompose(ReadOnlySpan<char> text, bool compatible) => Data.Value.Decomposed(text, compatible);

    public static List<Change> Compose(ReadOnlySpan<char> text, bool compatible) => Data.Value.Composed(Data.Value.Decomposed(text, compatible));

    private int ClassOf(int c) => c < 0x300 ? 0 : classes.GetValueOrDefault(c);

    private List<Change> Decomposed(ReadOnlySpan<char> text, bool compatible)
    {
        var result = new List<Change>(text.Length);
        var table = compatible ? this.compatible : canonical;
        int sortedTo = 0;
        for (int i = 0; i < text.Length;)
        {
            int c = CodePoints.At(text, i, out int units);
            i += units;
            if (c >= HangulBase && c < HangulBase + HangulCount)
            {
                int s = c - HangulBase, tail = s % TailCount;
                Add(LeadBase + s / (VowelCount * TailCount), 0);
                Add(VowelBase + s % (VowelCount * TailCount) / TailCount, 1);
                if (tail > 0) Add(TailBase + tail, 1);
            }
            else if (c >= 0xA0 && table.TryGetValue(c, out var parts))
                for (int p = 0; p < parts.Length; p++) Add(parts[p], p == 0 ? 0 : 1);
            else
                Add(c, 0);
        }
        Sort(result, sortedTo);
        return result;

        void Add(int c, int delta)
        {
            if (ClassOf(c) == 0)
            {
                Sort(result, sortedTo);
                sortedTo = result.Count + 1;
            }
            result.Add(new Change(c, delta));
        }
    }

    /// <summary>Puts the combining marks from <paramref name="from"/> on into canonical order, equal classes as they stood.</summary>
    private void Sort(List<Change> changes, int from)
    {
        if (changes.Count - from < 2) return;
        var sorted = changes[from..].Select(c => (c, ClassOf(c.CodePoint))).OrderBy(p => p.Item2).Select(p => p.c).ToList();
        for (int i = 0; i < sorted.Count; i++) changes[from + i] = sorted[i];
    }

    private List<Change> Composed(List<Change> parts)
    {
        var result = new List<Change>(parts.Count);
        int starter = -1, lastClass = -1;     // lastClass −1: nothing stands between the starter and here
        foreach (var part in parts)
        {
            int cls = ClassOf(part.CodePoint);
            if (starter >= 0 && lastClass < cls && TryCompose(result[starter].CodePoint, part.CodePoint, out int c))
            {
                // A composed code point replaces its parts: each part that was a code point of the source is one more to swallow.
                result[starter] = new Change(c, result[starter].Delta + part.Delta - 1);
                continue;
            }
            if (cls == 0)
            {
                starter = result.Count;
                lastClass = -1;
            }
            else if (starter >= 0)
                lastClass = cls;
            result.Add(part);
        }
        return result;
    }

    private bool TryCompose(int a, int b, out int c)
    {
        if (a >= LeadBase && a < LeadBase + 19 && b >= VowelBase && b < VowelBase + VowelCount)
        {
            c = HangulBase + ((a - LeadBase) * VowelCount + (b - VowelBase)) * TailCount;
            return true;
        }
        if (a >= HangulBase && a < HangulBase + HangulCount && (a - HangulBase) % TailCount == 0 && b > TailBase && b < TailBase + TailCount)
        {
            c = a + (b - TailBase);
            return true;
        }
        return composed.TryGetValue(Pair(a, b), out c);
    }

    private static int[] Expand(int c, Dictionary<int, int[]> canonical, Dictionary<int, int[]> compatible) =>
        canonical.TryGetValue(c, out var parts) || compatible.TryGetValue(c, out parts) ? [.. parts.SelectMany(p => Expand(p, canonical, compatible))] : [c];

    private static long Pair(int a, int b) => (long)a << 32 | (uint)b;
}
