using System.Numerics;
using System.Text.Json;
using KernelTune.Text.Jinja.Values;

namespace KernelTune.Text.Jinja;

/// <summary>Turns .NET values and JSON into values of a template.</summary>
internal static class TemplateData
{
    /// <summary>The value of <paramref name="json"/>; numbers written without point and exponent are integers of any size.</summary>
    /// <remarks>fromMessage marks all its strings as content: what a user wrote, not the template.</remarks>
    public static object? FromJson(JsonElement json, bool fromMessage = false)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Null or JsonValueKind.Undefined: return null;
            case JsonValueKind.True: return true;
            case JsonValueKind.False: return false;
            case JsonValueKind.String: return Text(json.GetString()!, fromMessage);
            case JsonValueKind.Number:
                string raw = json.GetRawText();
                return raw.AsSpan().IndexOfAny('.', 'e', 'E') < 0
                    ? BigInteger.Parse(raw, System.Globalization.NumberStyles.AllowLeadingSign, System.Globalization.CultureInfo.InvariantCulture)
                    : json.GetDouble();
            case JsonValueKind.Array: return new ListValue(json.EnumerateArray().Select(e => FromJson(e, fromMessage)).ToList());
            default:
                var dict = new DictValue();
                foreach (JsonProperty property in json.EnumerateObject()) dict.Set(Text(property.Name, fromMessage), FromJson(property.Value, fromMessage));
                return dict;
        }
    }

    /// <summary>null, bool, integers, double, string, JsonElement, and lists and dictionaries of these.</summary>
    /// <exception cref="ArgumentException">A value of another type.</exception>
    public static object? From(object? value, bool fromMessage = false)
    {
        switch (value)
        {
            case null or bool or BigInteger or double: return value;
            case int i: return new BigInteger(i);
            case long i: return new BigInteger(i);
            case float f: return (double)f;
            case string s: return Text(s, fromMessage);
            case JsonElement json: return FromJson(json, fromMessage);
            case IEnumerable<KeyValuePair<string, object?>> entries:
                var dict = new DictValue();
                foreach ((string key, object? item) in entries) dict.Set(Text(key, fromMessage), From(item, fromMessage));
                return dict;
            case IEnumerable<object?> items: return new ListValue(items.Select(i => From(i, fromMessage)).ToList());
            default: throw new ArgumentException($"a template cannot hold a {value.GetType().Name}", nameof(value));
        }
    }

    private static TextValue Text(string text, bool fromMessage) => fromMessage ? TextValue.FromMessage(text) : new TextValue(text);
}
