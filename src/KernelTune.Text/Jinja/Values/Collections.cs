using System.Numerics;
using KernelTune.Text.Jinja.Python;

namespace KernelTune.Text.Jinja.Values;

/// <summary>A Python list. Templates cannot change it.</summary>
internal sealed class ListValue(IReadOnlyList<object?> items)
{
    public IReadOnlyList<object?> Items => items;
}

/// <summary>A Python tuple.</summary>
internal class TupleValue(IReadOnlyList<object?> items)
{
    public IReadOnlyList<object?> Items => items;
}

/// <summary>What groupby yields: a pair whose halves have the names grouper and list.</summary>
internal sealed class GroupValue(object? grouper, ListValue list) : TupleValue([grouper, list]);

/// <summary>A Python dict: keys in the order in which they came, equal as Python compares (1, 1.0 and True are one key).</summary>
internal sealed class DictValue
{
    private readonly List<KeyValuePair<object?, object?>> _entries = [];
    private readonly Dictionary<object, int> _places = new(Equality.Keys);

    public IReadOnlyList<KeyValuePair<object?, object?>> Entries => _entries;

    public int Count => _entries.Count;

    /// <summary>Sets a key while the dict is being made; the first place of a key is kept.</summary>
    public void Set(object? key, object? value)
    {
        if (_places.TryGetValue(Boxed(key), out int place)) _entries[place] = new(_entries[place].Key, value);
        else
        {
            _places.Add(Boxed(key), _entries.Count);
            _entries.Add(new(key, value));
        }
    }

    public bool TryGet(object? key, out object? value)
    {
        bool found = _places.TryGetValue(Boxed(key), out int place);
        value = found ? _entries[place].Value : null;
        return found;
    }

    public bool TryGet(string key, out object? value) => TryGet(new TextValue(key), out value);

    public bool Contains(object? key) => _places.ContainsKey(Boxed(key));

    private static object Boxed(object? key) => key ?? Equality.None;
}

/// <summary>keys(), values() or items() of a dict.</summary>
internal sealed class ViewValue(DictValue dict, string kind)
{
    public string Kind => kind;

    public DictValue Dict => dict;

    public IEnumerable<object?> Items => kind switch
    {
        "keys" => dict.Entries.Select(e => e.Key),
        "values" => dict.Entries.Select(e => e.Value),
        _ => dict.Entries.Select(object? (e) => new TupleValue([e.Key, e.Value])),
    };
}

/// <summary>Python's range: start, start + step … before stop.</summary>
internal sealed class RangeValue(BigInteger start, BigInteger stop, BigInteger step)
{
    public BigInteger Start => start;

    public BigInteger Stop => stop;

    public BigInteger Step => step;

    public BigInteger Length
    {
        get
        {
            BigInteger span = step.Sign > 0 ? stop - start : start - stop;
            return span.Sign <= 0 ? BigInteger.Zero : ((span - 1) / BigInteger.Abs(step)) + 1;
        }
    }

    public BigInteger At(BigInteger index) => start + (index * step);
}

/// <summary>Something that can be walked once, such as what select or map gives.</summary>
internal sealed class IteratorValue(IEnumerable<object?> items, string type = "generator")
{
    private IEnumerator<object?>? _walk;

    public string Type => type;

    public IEnumerable<object?> Rest()
    {
        _walk ??= items.GetEnumerator();
        while (_walk.MoveNext()) yield return _walk.Current;
    }
}
