using System.Globalization;
using System.Numerics;
using System.Text;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja.Python;

/// <summary>json.dumps as Transformers' tojson calls it: keys in order, not ASCII-only unless asked, no escaping for HTML.</summary>
/// <remarks>indent is what one level is indented by; null: all on one line.</remarks>
internal sealed class JsonText(string? indent, string itemSeparator, string keySeparator, bool ascii, bool sortKeys)
{
    private readonly StringBuilder _into = new();

    /// <summary>JSON of <paramref name="value"/>.</summary>
    /// <exception cref="TemplateException">The value, or one inside it, has no JSON.</exception>
    public string Of(object? value)
    {
        _into.Clear();
        Write(value, 0);
        return _into.ToString();
    }

    private void Write(object? value, int level)
    {
        Repr.CheckStack();
        switch (value)
        {
            case null: _into.Append("null"); break;
            case bool b: _into.Append(b ? "true" : "false"); break;
            case BigInteger i: _into.Append(i.ToString(CultureInfo.InvariantCulture)); break;
            case double d: _into.Append(Float(d)); break;
            case TextValue text: WriteString(text.Text); break;
            case ListValue list: WriteItems(list.Items, level); break;
            case TupleValue tuple: WriteItems(tuple.Items, level); break;
            case DictValue dict: WriteDict(dict, level); break;
            default: throw new TemplateException(TemplateErrorKind.Type, $"Object of type {TypeNames.Of(value)} is not JSON serializable");
        }
    }

    private static string Float(double d) => double.IsNaN(d) ? "NaN" : double.IsInfinity(d) ? d > 0 ? "Infinity" : "-Infinity" : FloatText.Repr(d);

    private void WriteItems(IReadOnlyList<object?> items, int level)
    {
        if (items.Count == 0)
        {
            _into.Append("[]");
            return;
        }

        _into.Append('[');
        for (int i = 0; i < items.Count; i++)
        {
            if (i > 0) _into.Append(itemSeparator);
            NewLine(level + 1);
            Write(items[i], level + 1);
        }

        NewLine(level);
        _into.Append(']');
    }

    private void WriteDict(DictValue dict, int level)
    {
        if (dict.Count == 0)
        {
            _into.Append("{}");
            return;
        }

        IReadOnlyList<KeyValuePair<object?, object?>> entries = dict.Entries;
        if (sortKeys) entries = Ordering.Sorted(entries.Select(object? (e) => e.Key).ToList(), k => k, reverse: false)
            .Select(k => new KeyValuePair<object?, object?>(k, dict.TryGet(k, out object? v) ? v : null)).ToList();
        _into.Append('{');
        for (int i = 0; i < entries.Count; i++)
        {
            if (i > 0) _into.Append(itemSeparator);
            NewLine(level + 1);
            WriteString(Key(entries[i].Key));
            _into.Append(keySeparator);
            Write(entries[i].Value, level + 1);
        }

        NewLine(level);
        _into.Append('}');
    }

    private static string Key(object? key) => key switch
    {
        TextValue text => text.Text,
        null => "null",
        bool b => b ? "true" : "false",
        BigInteger i => i.ToString(CultureInfo.InvariantCulture),
        double d => Float(d),
        _ => throw new TemplateException(TemplateErrorKind.Type, $"keys must be str, int, float, bool or None, not {TypeNames.Of(key)}"),
    };

    private void NewLine(int level)
    {
        if (indent is null) return;
        _into.Append('\n');
        for (int i = 0; i < level; i++) _into.Append(indent);
    }

    private void WriteString(string text)
    {
        _into.Append('"');
        foreach (char c in text)
        {
            switch (c)
            {
                case '"': _into.Append("\\\""); break;
                case '\\': _into.Append("\\\\"); break;
                case '\n': _into.Append("\\n"); break;
                case '\r': _into.Append("\\r"); break;
                case '\t': _into.Append("\\t"); break;
                case '\b': _into.Append("\\b"); break;
                case '\f': _into.Append("\\f"); break;
                default:
                    if (c < ' ' || (ascii && c > '~')) _into.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
                    else _into.Append(c);
                    break;
            }
        }

        _into.Append('"');
    }
}
