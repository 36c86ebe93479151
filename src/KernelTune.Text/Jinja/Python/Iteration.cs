using System.Numerics;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Python;

/// <summary>iter(x), len(x), x in y and x[i].</summary>
internal static class Iteration
{
    public static bool IsIterable(object? value) => value is TextValue or ListValue or TupleValue or DictValue or ViewValue or RangeValue or IteratorValue or UndefinedValue or LoopValue;

    /// <summary>The items of a value: a dict's keys, a string's code points.</summary>
    public static IEnumerable<object?> Items(object? value) => value switch
    {
        TextValue text => Characters(text),
        ListValue list => list.Items,
        TupleValue tuple => tuple.Items,
        DictValue dict => dict.Entries.Select(e => e.Key),
        ViewValue view => view.Items,
        RangeValue range => Range(range),
        IteratorValue iterator => iterator.Rest(),
        UndefinedValue => [],
        LoopValue loop => Loop(loop),
        _ => throw new TemplateException(TemplateErrorKind.Type, $"'{TypeNames.Of(value)}' object is not iterable"),
    };

    /// <summary>len(x), or null where a value has none.</summary>
    public static int? TryLength(object? value) => value switch
    {
        TextValue text => text.Length,
        ListValue list => list.Items.Count,
        TupleValue tuple => tuple.Items.Count,
        DictValue dict => dict.Count,
        ViewValue view => view.Dict.Count,
        RangeValue range => (int)BigInteger.Min(range.Length, int.MaxValue),
        UndefinedValue => 0,
        LoopValue loop => loop.Length(),
        _ => null,
    };

    public static int Length(object? value) => TryLength(value)
        ?? throw new TemplateException(TemplateErrorKind.Type, $"object of type '{TypeNames.Of(value)}' has no len()");

    public static bool Contains(object? container, object? item)
    {
        switch (container)
        {
            case TextValue text:
                if (item is UndefinedValue undefined) throw undefined.Error();
                if (item is not TextValue part) throw new TemplateException(TemplateErrorKind.Type, $"'in <string>' requires string as left operand, not {TypeNames.Of(item)}");
                return text.Text.Contains(part.Text, StringComparison.Ordinal);
            case DictValue dict: return dict.Contains(item);
            case ListValue or TupleValue or ViewValue or RangeValue or IteratorValue or UndefinedValue or LoopValue:
                return Items(container).Any(i => Equality.AreEqual(i, item));
            default: throw new TemplateException(TemplateErrorKind.Type, $"argument of type '{TypeNames.Of(container)}' is not iterable");
        }
    }

    /// <summary>x[i] where Python finds something; false where it raises a lookup or type error.</summary>
    public static bool TryItem(object? target, object? index, out object? value)
    {
        value = null;
        if (target is DictValue dict)
        {
            if (index is ListValue or DictValue) return false;
            return dict.TryGet(index, out value);
        }

        if (!Numbers.IsInteger(index)) return false;
        int? length = target is TextValue or ListValue or TupleValue or RangeValue ? TryLength(target) : null;
        if (length is not { } n) return false;
        BigInteger i = Numbers.ToInteger(index);
        if (i.Sign < 0) i += n;
        if (i.Sign < 0 || i >= n) return false;
        int at = (int)i;
        value = target switch
        {
            TextValue text => Slice(text, at, at + 1),
            ListValue list => list.Items[at],
            TupleValue tuple => tuple.Items[at],
            _ => ((RangeValue)target!).At(at),
        };
        return true;
    }

    /// <summary>Code points [start, end) of a text.</summary>
    public static TextValue Slice(TextValue text, int start, int end)
    {
        if (text.Length == text.Text.Length) return text.Substring(start, end);
        int from = CodePoints.Offset(text.Text, start);
        return text.Substring(from, from + CodePoints.Offset(text.Text[from..], end - start));
    }

    /// <summary>x[start:stop:step].</summary>
    public static object? Slice(object? target, object? start, object? stop, object? step)
    {
        int length = target is TextValue or ListValue or TupleValue or RangeValue ? Length(target) : throw new TemplateException(TemplateErrorKind.Type, $"'{TypeNames.Of(target)}' object is not subscriptable");
        int by = step is null ? 1 : Numbers.ToInt32(step);
        if (by == 0) throw new TemplateException(TemplateErrorKind.Value, "slice step cannot be zero");
        int from = Bound(start, by > 0 ? 0 : length - 1), to = Bound(stop, by > 0 ? length : -1);
        int Bound(object? given, int otherwise)
        {
            if (given is null) return otherwise;
            long i = Numbers.ToInt32(given);
            if (i < 0) i += length;
            return (int)Math.Clamp(i, by > 0 ? 0 : -1, by > 0 ? length : length - 1);
        }

        if (target is TextValue text && by == 1) return Slice(text, from, Math.Max(from, to));
        if (target is RangeValue range)
        {
            BigInteger first = range.At(from);
            return new RangeValue(first, range.At(to), range.Step * by);
        }

        IReadOnlyList<object?> all = target switch { TextValue t => Characters(t).ToList(), ListValue l => l.Items, TupleValue t => t.Items, _ => [] };
        var kept = new List<object?>();
        for (long i = from; by > 0 ? i < to : i > to; i += by) kept.Add(all[(int)i]);
        if (target is TupleValue) return new TupleValue(kept);
        if (target is ListValue) return new ListValue(kept);
        var joined = new TextBuilder();
        foreach (object? c in kept) joined.Append((TextValue)c!);
        return joined.ToValue();
    }

    private static IEnumerable<object?> Characters(TextValue text)
    {
        for (int i = 0; i < text.Text.Length;)
        {
            int width = CodePoints.Width(text.Text, i);
            yield return text.Substring(i, i + width);
            i += width;
        }
    }

    private static IEnumerable<object?> Range(RangeValue range)
    {
        for (BigInteger i = 0, n = range.Length; i < n; i++) yield return range.At(i);
    }

    private static IEnumerable<object?> Loop(LoopValue loop)
    {
        while (loop.MoveNext()) yield return new TupleValue([loop.Current, loop]);
    }
}
