using System.Numerics;
using KernelTune.Text.Jinja.Python;

namespace KernelTune.Text.Jinja.Values;

/// <summary>Reads a call's arguments by position or by name, and at the end refuses those that nobody asked for.</summary>
internal sealed class ArgumentReader(string function, CallValues values)
{
    private int _next;
    private int _keywordsRead;

    public object? Required(string name) => TryTake(name, out object? value)
        ? value
        : throw new TemplateException(TemplateErrorKind.Type, $"{function}() missing a required argument: '{name}'");

    public object? Optional(string name, object? fallback = null) => TryTake(name, out object? value) ? value : fallback;

    public bool TryTake(string name, out object? value)
    {
        if (_next < values.Positional.Count)
        {
            value = values.Positional[_next++];
            return true;
        }

        foreach ((string key, object? given) in values.Keywords)
        {
            if (key != name) continue;
            _keywordsRead++;
            value = given;
            return true;
        }

        value = null;
        return false;
    }

    public bool Flag(string name, bool fallback) => TryTake(name, out object? value) ? Truth.Of(value) : fallback;

    public int Int(string name, int fallback) => TryTake(name, out object? value) ? Numbers.ToInt32(value) : fallback;

    public int Int(string name) => Numbers.ToInt32(Required(name));

    public TextValue Text(string name) => Required(name) is TextValue text ? text : throw Wrong(name, "str");

    /// <summary>All positional arguments that are left; keywords are refused.</summary>
    public IReadOnlyList<object?> All()
    {
        object?[] all = values.Positional.Skip(_next).ToArray();
        _next = values.Positional.Count;
        End();
        return all;
    }

    public IReadOnlyList<KeyValuePair<string, object?>> Keywords()
    {
        _keywordsRead = values.Keywords.Count;
        return values.Keywords;
    }

    public IReadOnlyList<object?> Positional()
    {
        object?[] all = values.Positional.Skip(_next).ToArray();
        _next = values.Positional.Count;
        return all;
    }

    public void End()
    {
        if (_next < values.Positional.Count)
            throw new TemplateException(TemplateErrorKind.Type, $"{function}() takes {_next} positional arguments but {values.Positional.Count} were given");
        if (_keywordsRead < values.Keywords.Count)
            throw new TemplateException(TemplateErrorKind.Type, $"{function}() got an unexpected keyword argument '{values.Keywords[^1].Key}'");
    }

    private TemplateException Wrong(string name, string wanted) =>
        new(TemplateErrorKind.Type, $"{function}() argument '{name}' must be {wanted}");
}
