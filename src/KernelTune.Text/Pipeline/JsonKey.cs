using System.Globalization;
using System.Text.Json;

namespace KernelTune.Text.Pipeline;

/// <summary>A value in a JSON file that knows its file and its path, so that whatever is wrong with it can be said.</summary>
internal readonly record struct JsonKey(JsonElement Value, string File, string Path)
{
    public TokenizerException Wrong(string problem) => new(File, Path, problem);

    private TokenizerException NotA(string wanted) => Wrong($"found {Describe()}, {wanted} is wanted");

    /// <summary>The member, which must be there and not null.</summary>
    public JsonKey this[string name] => Find(name) ?? throw Wrong($"'{name}' is missing");

    /// <summary>The member; null if it is absent or null.</summary>
    public JsonKey? Find(string name)
    {
        if (Value.ValueKind != JsonValueKind.Object) throw NotA("an object");
        return Value.TryGetProperty(name, out var member) && member.ValueKind != JsonValueKind.Null ? new JsonKey(member, File, Path.Length == 0 ? name : $"{Path}.{name}") : null;
    }

    public string Text()
    {
        if (Value.ValueKind != JsonValueKind.String) throw NotA("a string");
        try
        {
            return Value.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new TokenizerException(File, Path, "the string is not valid UTF-8 or holds half of a surrogate pair", e);
        }
    }

    public int Integer() => Value.ValueKind == JsonValueKind.Number && Value.TryGetInt32(out int n) ? n : throw NotA("a whole number");

    public int NotNegative() => Integer() is var n && n >= 0 ? n : throw Wrong($"found {n}, a number not below 0 is wanted");

    public double Number() => Value.ValueKind == JsonValueKind.Number ? Value.GetDouble() : throw NotA("a number");

    public bool Flag() => Value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw NotA("true or false"),
    };

    public bool Flag(string name, bool otherwise) => Find(name) is { } key ? key.Flag() : otherwise;

    public IEnumerable<JsonKey> Items()
    {
        if (Value.ValueKind != JsonValueKind.Array) throw NotA("an array");
        var (file, path) = (File, Path);
        return Value.EnumerateArray().Select((item, i) => new JsonKey(item, file, string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]")));
    }

    public IEnumerable<(string Name, JsonKey Value)> Members()
    {
        if (Value.ValueKind != JsonValueKind.Object) throw NotA("an object");
        var (file, path) = (File, Path);
        return Value.EnumerateObject().Select(m => (m.Name, new JsonKey(m.Value, file, $"{path}.{m.Name}")));
    }

    /// <summary>The one code point of a string.</summary>
    public int Character() =>
        Text() is var s && s.Length > 0 && Unicode.CodePoints.At(s, 0, out int units) is var c && units == s.Length ? c : throw NotA("a string of one character");

    private string Describe()
    {
        string raw = Value.GetRawText();
        return $"{Value.ValueKind switch { JsonValueKind.Object => "an object", JsonValueKind.Array => "an array", JsonValueKind.String => "the string", JsonValueKind.Number => "the number", _ => "" }} {(raw.Length <= 40 ? raw : raw[..40] + "…")}".Trim();
    }
}
