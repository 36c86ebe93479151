using System.Globalization;
using System.Numerics;
using KernelTune.Text.Jinja.Evaluation;
using KernelTune.Text.Jinja.Python;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Library;

/// <summary>Jinja's filters on lists, dicts and single values. What Jinja makes a generator is lazy here too.</summary>
internal static class SequenceFilters
{
    public static void AddTo(Dictionary<string, FunctionValue> filters)
    {
        void Add(string name, Func<Evaluator, ArgumentReader, object?> body) => filters.Add(name, new FunctionValue(name, body));
        Add("length", (_, a) => Length(a));
        Add("count", (_, a) => Length(a));
        Add("list", (e, a) => new ListValue(e.Walk(Only(a)).ToList()));
        Add("items", (_, a) => Items(a));
        Add("first", (_, a) => First(a));
        Add("last", (_, a) => Last(a));
        Add("reverse", (e, a) => Reverse(e, a));
        Add("default", (_, a) => Default(a));
        Add("d", (_, a) => Default(a));
        Add("attr", (_, a) => Attr(a));
        Add("map", Map);
        Add("select", (e, a) => Select(e, a, byAttribute: false, keep: true));
        Add("reject", (e, a) => Select(e, a, byAttribute: false, keep: false));
        Add("selectattr", (e, a) => Select(e, a, byAttribute: true, keep: true));
        Add("rejectattr", (e, a) => Select(e, a, byAttribute: true, keep: false));
        Add("sort", Sort);
        Add("dictsort", (_, a) => DictSort(a));
        Add("unique", Unique);
        Add("min", (e, a) => Extreme(e, a, sign: -1));
        Add("max", (e, a) => Extreme(e, a, sign: 1));
        Add("sum", Sum);
        Add("groupby", GroupBy);
        Add("batch", Batch);
        Add("slice", Slices);
        Add("abs", (_, a) => Abs(Only(a)));
        Add("int", (_, a) => Int(a));
        Add("float", (_, a) => Float(a));
        Add("round", (_, a) => Round(a));
        Add("random", (_, _) => throw new TemplateException(TemplateErrorKind.Unsupported, "the filter random is not supported: rendering is deterministic"));
    }

    private static object? Only(ArgumentReader a)
    {
        object? value = a.Required("value");
        a.End();
        return value;
    }

    private static BigInteger Length(ArgumentReader a) => new BigInteger(Iteration.Length(Only(a)));

    private static IteratorValue Items(ArgumentReader a) => Only(a) switch
    {
        UndefinedValue => new IteratorValue([]),
        DictValue dict => new IteratorValue(new ViewValue(dict, "items").Items),
        _ => throw new TemplateException(TemplateErrorKind.Type, "Can only get item pairs from a mapping."),
    };

    private static object? First(ArgumentReader a)
    {
        foreach (object? item in Iteration.Items(Only(a))) return item;
        return new UndefinedValue("No first item, sequence was empty.");
    }

    private static object? Last(ArgumentReader a)
    {
        object? value = Only(a);
        if (value is IteratorValue) throw new TemplateException(TemplateErrorKind.Type, $"'{TypeNames.Of(value)}' object is not reversible");
        List<object?> items = Iteration.Items(value).ToList();
        if (items.Count == 0) items.Add(new UndefinedValue("No last item, sequence was empty."));
        return items[^1];
    }

    private static object? Reverse(Evaluator e, ArgumentReader a)
    {
        object? value = Only(a);
        if (value is TextValue text) return Iteration.Slice(text, null, null, BigInteger.MinusOne);
        if (!Iteration.IsIterable(value)) throw new TemplateException(TemplateErrorKind.Raised, "argument must be iterable");
        List<object?> items = e.Walk(value).ToList();
        items.Reverse();
        return value is IteratorValue ? new ListValue(items) : new IteratorValue(items, value is ListValue ? "list_reverseiterator" : "reversed");
    }

    private static object? Default(ArgumentReader a)
    {
        object? value = a.Required("value"), fallback = a.Optional("default_value", TextValue.Empty);
        bool boolean = a.Flag("boolean", false);
        a.End();
        return value is UndefinedValue || (boolean && !Truth.Of(value)) ? fallback : value;
    }

    private static object? Attr(ArgumentReader a)
    {
        object? target = a.Required("obj");
        TextValue name = a.Text("name");
        a.End();
        if (target is UndefinedValue undefined) throw undefined.Error();
        object? found = Members.Attribute(target is DictValue dict ? Methods(dict) : target, name.Text);
        return found is UndefinedValue { } missing && missing.Error().Kind != TemplateErrorKind.Security ? UndefinedValue.Member(target, name) : found;
    }

    /// <summary>attr never falls back to an item, so a dict shows its methods only.</summary>
    private static DictValue Methods(DictValue dict) => dict.Count == 0 ? dict : new DictValue();

    /// <summary>Looks up "a.b.0" as Jinja's attribute arguments do; null: the item itself.</summary>
    public static Func<object?, object?> Getter(object? attribute, object? fallback = null)
    {
        if (attribute is null) return item => item;
        object?[] parts = attribute is TextValue text ? text.Text.Split('.').Select(Part).ToArray() : [attribute];
        return item =>
        {
            foreach (object? part in parts)
            {
                item = Members.Item(item, part);
                if (fallback is not null && item is UndefinedValue) item = fallback;
            }

            return item;
        };
    }

    private static object? Part(string part) =>
        part.Length > 0 && part.All(char.IsAsciiDigit) ? BigInteger.Parse(part, CultureInfo.InvariantCulture) : new TextValue(part);

    private static object? IgnoreCase(object? value) => value is TextValue text ? text.Derive(TextCase.Lower(text.Text)) : value;

    private static IteratorValue Map(Evaluator e, ArgumentReader a)
    {
        object? items = a.Required("value");
        IReadOnlyList<object?> positional = a.Positional();
        IReadOnlyList<KeyValuePair<string, object?>> keywords = a.Keywords();
        if (!Truth.Of(items)) return new IteratorValue([]);
        Func<object?, object?> map;
        if (positional.Count == 0 && keywords.Any(k => k.Key == "attribute"))
        {
            string? unknown = keywords.Select(k => k.Key).FirstOrDefault(k => k is not ("attribute" or "default"));
            if (unknown is not null) throw new TemplateException(TemplateErrorKind.Raised, $"Unexpected keyword argument {Repr.Of(unknown)}");
            map = Getter(keywords.First(k => k.Key == "attribute").Value, keywords.FirstOrDefault(k => k.Key == "default").Value);
        }
        else
        {
            if (positional.Count == 0) throw new TemplateException(TemplateErrorKind.Raised, "map requires a filter argument");
            map = item => e.CallFilter(NameOf(positional[0]), new CallValues([item, .. positional.Skip(1)], keywords));
        }

        return new IteratorValue(e.Walk(items).Select(map));
    }

    private static string NameOf(object? value) => value is TextValue name ? name.Text : throw new TemplateException(TemplateErrorKind.Runtime, $"No filter named {Repr.Of(value)}.");

    private static IteratorValue Select(Evaluator e, ArgumentReader a, bool byAttribute, bool keep)
    {
        object? items = a.Required("value");
        IReadOnlyList<object?> positional = a.Positional();
        IReadOnlyList<KeyValuePair<string, object?>> keywords = a.Keywords();
        if (!Truth.Of(items)) return new IteratorValue([]);
        if (byAttribute && positional.Count == 0) throw new TemplateException(TemplateErrorKind.Raised, "Missing parameter for attribute name");
        Func<object?, object?> get = byAttribute ? Getter(positional[0]) : item => item;
        object?[] rest = positional.Skip(byAttribute ? 1 : 0).ToArray();
        bool Passes(object? item) => rest.Length == 0 ? Truth.Of(get(item)) : Truth.Of(e.CallTest(NameOf(rest[0]), new CallValues([get(item), .. rest.Skip(1)], keywords)));
        return new IteratorValue(e.Walk(items).Where(item => Passes(item) == keep));
    }

    private static ListValue Sort(Evaluator e, ArgumentReader a)
    {
        object? items = a.Required("value");
        bool reverse = a.Flag("reverse", false), caseSensitive = a.Flag("case_sensitive", false);
        object? attribute = a.Optional("attribute");
        a.End();
        object?[] attributes = attribute is TextValue text ? text.Text.Split(',').Select(object? (p) => new TextValue(p)).ToArray() : [attribute];
        Func<object?, object?>[] getters = attributes.Select(x => Getter(x)).ToArray();
        return new ListValue(Ordering.Sorted(
            e.Walk(items).ToList(),
            item => new TupleValue(getters.Select(g => caseSensitive ? g(item) : IgnoreCase(g(item))).ToList()),
            reverse));
    }

    private static ListValue DictSort(ArgumentReader a)
    {
        object? value = a.Required("value");
        bool caseSensitive = a.Flag("case_sensitive", false);
        string by = Repr.Text(a.Optional("by", new TextValue("key"))).Text;
        bool reverse = a.Flag("reverse", false);
        a.End();
        if (by is not ("key" or "value")) throw new TemplateException(TemplateErrorKind.Raised, "You can only sort by either \"key\" or \"value\"");
        if (value is UndefinedValue undefined) throw undefined.Error();
        if (value is not DictValue dict) throw new TemplateException(TemplateErrorKind.Type, $"'{TypeNames.Of(value)}' object has no attribute 'items'");
        return new ListValue(Ordering.Sorted(new ViewValue(dict, "items").Items.ToList(), pair =>
        {
            object? key = ((TupleValue)pair!).Items[by == "key" ? 0 : 1];
            return caseSensitive ? key : IgnoreCase(key);
        }, reverse));
    }

    private static IteratorValue Unique(Evaluator e, ArgumentReader a)
    {
        object? items = a.Required("value");
        bool caseSensitive = a.Flag("case_sensitive", false);
        Func<object?, object?> get = Getter(a.Optional("attribute"));
        a.End();
        var seen = new DictValue();
        return new IteratorValue(e.Walk(items).Where(item =>
        {
            object? key = caseSensitive ? get(item) : IgnoreCase(get(item));
            if (seen.Contains(key)) return false;
            seen.Set(key, null);
            return true;
        }));
    }

    private static object? Extreme(Evaluator e, ArgumentReader a, int sign)
    {
        object? items = a.Required("value");
        bool caseSensitive = a.Flag("case_sensitive", false);
        Func<object?, object?> get = Getter(a.Optional("attribute"));
        a.End();
        object? best = null, bestKey = null;
        bool any = false;
        foreach (object? item in e.Walk(items))
        {
            object? key = caseSensitive ? get(item) : IgnoreCase(get(item));
            if (any && Ordering.Compare(key, bestKey, sign < 0 ? "<" : ">") * sign <= 0) continue;
            (best, bestKey, any) = (item, key, true);
        }

        return any ? best : new UndefinedValue("No aggregated item, sequence was empty.");
    }

    private static object? Sum(Evaluator e, ArgumentReader a)
    {
        object? items = a.Required("iterable");
        Func<object?, object?> get = Getter(a.Optional("attribute"));
        object? total = a.Optional("start", BigInteger.Zero);
        a.End();
        if (total is TextValue) throw new TemplateException(TemplateErrorKind.Type, "sum() can't sum strings [use ''.join(seq) instead]");
        foreach (object? item in e.Walk(items)) total = e.Binary("+", total, get(item));
        return total;
    }

    private static ListValue GroupBy(Evaluator e, ArgumentReader a)
    {
        object? items = a.Required("value"), attribute = a.Required("attribute"), fallback = a.Optional("default");
        bool caseSensitive = a.Flag("case_sensitive", false);
        a.End();
        Func<object?, object?> get = Getter(attribute, fallback);
        Func<object?, object?> key = caseSensitive ? get : item => IgnoreCase(get(item));
        var groups = new List<object?>();
        var group = new List<object?>();
        object? groupKey = null;
        void Close()
        {
            if (group.Count > 0) groups.Add(new GroupValue(caseSensitive ? groupKey : get(group[0]), new ListValue(group)));
            group = [];
        }

        foreach (object? item in Ordering.Sorted(e.Walk(items).ToList(), key, reverse: false))
        {
            object? itemKey = key(item);
            if (group.Count > 0 && !Equality.AreEqual(itemKey, groupKey)) Close();
            groupKey = itemKey;
            group.Add(item);
        }

        Close();
        return new ListValue(groups);
    }

    private static IteratorValue Batch(Evaluator e, ArgumentReader a)
    {
        object? items = a.Required("value");
        int size = a.Int("linecount");
        object? fill = a.Optional("fill_with");
        a.End();
        return new IteratorValue(Batches());
        IEnumerable<object?> Batches()
        {
            var batch = new List<object?>();
            foreach (object? item in e.Walk(items))
            {
                if (batch.Count == size)
                {
                    yield return new ListValue(batch);
                    batch = [];
                }

                batch.Add(item);
            }

            if (batch.Count == 0) yield break;
            if (fill is not null && batch.Count < size)
            {
                e.Budget.Allocate(size);
                batch.AddRange(Enumerable.Repeat(fill, size - batch.Count));
            }

            yield return new ListValue(batch);
        }
    }

    private static IteratorValue Slices(Evaluator e, ArgumentReader a)
    {
        object? items = a.Required("value");
        int slices = a.Int("slices");
        object? fill = a.Optional("fill_with");
        a.End();
        if (slices == 0) throw new TemplateException(TemplateErrorKind.ZeroDivision, "integer division or modulo by zero");
        return new IteratorValue(Pieces());
        IEnumerable<object?> Pieces()
        {
            List<object?> all = e.Walk(items).ToList();
            int each = all.Count / slices, extra = all.Count % slices, at = 0;
            for (int i = 0; i < slices; i++)
            {
                e.Budget.Step();
                int count = each + (i < extra ? 1 : 0);
                List<object?> piece = all.GetRange(at, count);
                at += count;
                if (fill is not null && i >= extra) piece.Add(fill);
                yield return new ListValue(piece);
            }
        }
    }

    private static object? Abs(object? value) => value switch
    {
        double d => Math.Abs(d),
        bool or BigInteger => BigInteger.Abs(Numbers.ToInteger(value)),
        UndefinedValue undefined => throw undefined.Error(),
        _ => throw new TemplateException(TemplateErrorKind.Type, $"bad operand type for abs(): '{TypeNames.Of(value)}'"),
    };

    private static object? Int(ArgumentReader a)
    {
        object? value = a.Required("value"), fallback = a.Optional("default", BigInteger.Zero);
        int radix = a.Int("base", 10);
        a.End();
        switch (value)
        {
            case bool or BigInteger: return Numbers.ToInteger(value);
            case double d: return double.IsFinite(d) ? new BigInteger(Math.Truncate(d)) : double.IsNaN(d) ? fallback : throw new TemplateException(TemplateErrorKind.Overflow, "cannot convert float infinity to integer");
            case UndefinedValue undefined: throw undefined.Error();
            case TextValue text:
                if (Numbers.TryParseInteger(text.Text, radix, out BigInteger i)) return i;
                return Numbers.TryParseFloat(text.Text, out double f) && double.IsFinite(f) ? new BigInteger(Math.Truncate(f)) : fallback;
            default: return fallback;
        }
    }

    private static object? Float(ArgumentReader a)
    {
        object? value = a.Required("value"), fallback = a.Optional("default", 0.0);
        a.End();
        if (value is UndefinedValue undefined) throw undefined.Error();
        if (Numbers.IsNumber(value)) return Numbers.ToDouble(value!);
        return value is TextValue text && Numbers.TryParseFloat(text.Text, out double d) ? d : fallback;
    }

    private static object? Round(ArgumentReader a)
    {
        object? value = a.Required("value");
        int precision = a.Int("precision", 0);
        string method = Repr.Text(a.Optional("method", new TextValue("common"))).Text;
        a.End();
        if (method is not ("common" or "ceil" or "floor")) throw new TemplateException(TemplateErrorKind.Raised, "method must be common, ceil or floor");
        if (value is UndefinedValue undefined) throw undefined.Error();
        if (!Numbers.IsNumber(value)) throw new TemplateException(TemplateErrorKind.Type, $"type {TypeNames.Of(value)} doesn't define __round__ method");
        if (method == "common")
        {
            if (value is double d)
            {
                if (!double.IsFinite(d) || precision > 320) return d;
                if (precision < -320) return 0.0;
                return Math.CopySign(double.Parse(FloatText.Fixed(d, precision), CultureInfo.InvariantCulture), d);
            }

            BigInteger i = Numbers.ToInteger(value);
            if (precision >= 0) return i;
            if (precision < -10_000) return BigInteger.Zero;
            BigInteger unit = BigInteger.Pow(10, -precision);
            BigInteger quotient = BigInteger.DivRem(i, unit, out BigInteger rest);
            int half = (BigInteger.Abs(rest) * 2).CompareTo(unit);
            if (half > 0 || (half == 0 && !quotient.IsEven)) quotient += i.Sign;
            return quotient * unit;
        }

        double scale = Math.Pow(10, precision);
        double scaled = Numbers.ToDouble(value!) * scale;
        return (method == "ceil" ? Math.Ceiling(scaled) : Math.Floor(scaled)) / scale;
    }
}
