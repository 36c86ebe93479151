using System.Numerics;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Python;

/// <summary>Python's ==, and the hash that goes with it.</summary>
internal static class Equality
{
    /// <summary>Stands for None where a key must be an object.</summary>
    public static object None { get; } = new();

    /// <summary>Compares keys of a dict.</summary>
    public static IEqualityComparer<object> Keys { get; } = new KeyComparer();

    public static bool AreEqual(object? a, object? b)
    {
        if (ReferenceEquals(a, b)) return a is not double d || !double.IsNaN(d);
        if (Numbers.IsNumber(a) && Numbers.IsNumber(b)) return Numbers.AreEqual(a!, b!);
        switch (a, b)
        {
            case (TextValue x, TextValue y): return x.Text == y.Text;
            case (ListValue x, ListValue y): return SameItems(x.Items, y.Items);
            case (TupleValue x, TupleValue y): return SameItems(x.Items, y.Items);
            case (UndefinedValue, UndefinedValue): return true;
            case (RangeValue x, RangeValue y): return x.Length == y.Length && (x.Length.IsZero || (x.Start == y.Start && (x.Length.IsOne || x.Step == y.Step)));
            case (DictValue x, DictValue y):
                if (x.Count != y.Count) return false;
                foreach ((object? key, object? value) in x.Entries)
                    if (!y.TryGet(key, out object? other) || !AreEqual(value, other)) return false;
                return true;
            default: return false;
        }
    }

    private static bool SameItems(IReadOnlyList<object?> a, IReadOnlyList<object?> b)
    {
        if (a.Count != b.Count) return false;
        for (int i = 0; i < a.Count; i++)
            if (!AreEqual(a[i], b[i])) return false;
        return true;
    }

    private sealed class KeyComparer : IEqualityComparer<object>
    {
        bool IEqualityComparer<object>.Equals(object? x, object? y) => AreEqual(x, y);

        public int GetHashCode(object key)
        {
            switch (key)
            {
                case bool b: return b ? 1 : 0;
                case BigInteger i: return i >= long.MinValue && i <= long.MaxValue ? ((long)i).GetHashCode() : i.GetHashCode();
                case double d: return d == Math.Floor(d) && Math.Abs(d) < 9e18 ? ((long)d).GetHashCode() : d.GetHashCode();
                case TextValue text: return string.GetHashCode(text.Text, StringComparison.Ordinal);
                case TupleValue tuple:
                    int hash = 17;
                    foreach (object? item in tuple.Items) hash = (hash * 31) + GetHashCode(item ?? None);
                    return hash;
                case ListValue or DictValue or ViewValue:
                    throw new TemplateException(TemplateErrorKind.Type, $"unhashable type: '{TypeNames.Of(key)}'");
                default: return System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(key);
            }
        }
    }
}

/// <summary>Python's &lt;, and a stable sort by it.</summary>
internal static class Ordering
{
    /// <summary>Negative, zero or positive; <paramref name="op"/> is named where two values have no order.</summary>
    public static int Compare(object? a, object? b, string op = "<")
    {
        if (a is UndefinedValue undefined) throw undefined.Error();
        if (b is UndefinedValue other) throw other.Error();
        if (Numbers.IsNumber(a) && Numbers.IsNumber(b)) return Numbers.Compare(a!, b!);
        return (a, b) switch
        {
            (TextValue x, TextValue y) => CodePoints.Compare(x.Text, y.Text),
            (ListValue x, ListValue y) => CompareItems(x.Items, y.Items, op),
            (TupleValue x, TupleValue y) => CompareItems(x.Items, y.Items, op),
            _ => throw new TemplateException(TemplateErrorKind.Type, $"'{op}' not supported between instances of '{TypeNames.Of(a)}' and '{TypeNames.Of(b)}'"),
        };
    }

    private static int CompareItems(IReadOnlyList<object?> a, IReadOnlyList<object?> b, string op)
    {
        for (int i = 0; i < a.Count && i < b.Count; i++)
            if (!Equality.AreEqual(a[i], b[i])) return Compare(a[i], b[i], op);
        return a.Count - b.Count;
    }

    /// <summary>The items sorted by their keys; equal ones keep their order, also when reversed.</summary>
    public static List<object?> Sorted(IReadOnlyList<object?> items, Func<object?, object?> key, bool reverse)
    {
        var keyed = items.Select(i => (Key: key(i), Item: i)).ToArray();
        if (reverse) Array.Reverse(keyed);
        MergeSort(keyed, new (object?, object?)[keyed.Length], 0, keyed.Length);
        if (reverse) Array.Reverse(keyed);
        return keyed.Select(k => k.Item).ToList();
    }

    private static void MergeSort((object? Key, object? Item)[] a, (object? Key, object? Item)[] spare, int from, int to)
    {
        if (to - from < 2) return;
        int middle = (from + to) / 2;
        MergeSort(a, spare, from, middle);
        MergeSort(a, spare, middle, to);
        Array.Copy(a, from, spare, from, to - from);
        for (int i = from, left = from, right = middle; i < to; i++)
        {
            bool takeRight = left >= middle || (right < to && Compare(spare[right].Key, spare[left].Key) < 0);
            a[i] = takeRight ? spare[right++] : spare[left++];
        }
    }
}
