using System.Text.Json;
using System.Text.Unicode;

namespace KernelTune.Checkpoints;

/// <summary>
/// A JSON object out of a file of settings (config.json, generation_config.json, adapter_config.json …), read by key and type. What is
/// wrong is said with the file, the key, what was found and what was wanted.
/// </summary>
public sealed class JsonSettings
{
    private const long MostBytes = 64 << 20;

    private readonly string _prefix;

    private JsonSettings(string file, JsonElement root, string prefix)
    {
        File = file;
        Root = root;
        _prefix = prefix;
    }

    public string File { get; }

    /// <summary>The object itself.</summary>
    public JsonElement Root { get; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="CheckpointException">Absent, not UTF-8, not JSON, a key that stands twice, or no object.</exception>
    public static JsonSettings Read(string file) => Parse(file, SourceFile.ReadAll(file, MostBytes));

    /// <summary>Parses <paramref name="utf8"/>, which <paramref name="file"/> names.</summary>
    /// <exception cref="CheckpointException">As <see cref="Read"/>.</exception>
    public static JsonSettings Parse(string file, ReadOnlyMemory<byte> utf8)
    {
        if (utf8.Span.StartsWith("\uFEFF"u8))
            utf8 = utf8[3..];
        if (!Utf8.IsValid(utf8.Span))
            throw new CheckpointException(file, "bytes that are not UTF-8 were found, JSON wanted");
        try
        {
            RefuseHalfSurrogates(file, utf8.Span);
            using var document = JsonDocument.Parse(utf8, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new CheckpointException(file, $"{Describe(document.RootElement)} was found, a JSON object wanted");
            return new JsonSettings(file, document.RootElement.Clone(), "");
        }
        catch (JsonException e)
        {
            throw new CheckpointException(
                file, $"not valid JSON at line {e.LineNumber + 1}, column {e.BytePositionInLine + 1}: {SourceFile.FirstLine(e)}", inner: e);
        }
    }

    /// <summary>True where the key is there and not null.</summary>
    public bool Has(string key) => Find(key) is not null;

    public int Int(string key) => IntOrNull(key) ?? throw Missing(key, "an integer");

    public int Int(string key, int absent) => IntOrNull(key) ?? absent;

    public int? IntOrNull(string key)
    {
        if (Find(key) is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Number)
        {
            if (value.TryGetInt32(out var whole))
                return whole;
            // 1024.0 is how some tools write an integer.
            if (value.TryGetDouble(out var real) && real == Math.Truncate(real) && Math.Abs(real) <= int.MaxValue)
                return (int)real;
        }

        throw Wrong(key, value, "an integer");
    }

    public double Double(string key) => DoubleOrNull(key) ?? throw Missing(key, "a number");

    public double Double(string key, double absent) => DoubleOrNull(key) ?? absent;

    public double? DoubleOrNull(string key)
    {
        if (Find(key) is not { } value)
            return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var real) && double.IsFinite(real)
            ? real
            : throw Wrong(key, value, "a finite number");
    }

    public bool Bool(string key, bool absent) => Find(key) switch
    {
        null => absent,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } value => throw Wrong(key, value, "true or false"),
    };

    public string String(string key) => StringOrNull(key) ?? throw Missing(key, "a string");

    public string? StringOrNull(string key) => Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value => value.GetString()!,
        { } value => throw Wrong(key, value, "a string"),
    };

    /// <summary>An array of strings; a single string counts as an array of one; empty where it is absent.</summary>
    public IReadOnlyList<string> Strings(string key) => Find(key) switch
    {
        null => [],
        { ValueKind: JsonValueKind.String } value => [value.GetString()!],
        { ValueKind: JsonValueKind.Array } value => [.. value.EnumerateArray().Select(e =>
            e.ValueKind == JsonValueKind.String ? e.GetString()! : throw Wrong(key, e, "strings"))],
        { } value => throw Wrong(key, value, "an array of strings"),
    };

    /// <summary>An array of integers; a single integer counts as an array of one; empty where it is absent.</summary>
    public IReadOnlyList<int> Ints(string key) => Find(key) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Number } value when value.TryGetInt32(out var one) => [one],
        { ValueKind: JsonValueKind.Array } value => [.. value.EnumerateArray().Select(e =>
            e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out var n) ? n : throw Wrong(key, e, "integers"))],
        { } value => throw Wrong(key, value, "an array of integers"),
    };

    /// <summary>An array of numbers; empty where it is absent.</summary>
    public IReadOnlyList<double> Doubles(string key) => Find(key) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Array } value => [.. value.EnumerateArray().Select(e =>
            e.ValueKind == JsonValueKind.Number && e.TryGetDouble(out var n) && double.IsFinite(n) ? n : throw Wrong(key, e, "finite numbers"))],
        { } value => throw Wrong(key, value, "an array of numbers"),
    };

    /// <summary>A nested object, or null where it is absent.</summary>
    public JsonSettings? Object(string key) => Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Object } value => new JsonSettings(File, value, $"{_prefix}{key}."),
        { } value => throw Wrong(key, value, "an object"),
    };

    /// <summary>An error about a key of this file, for whoever knows what was wanted.</summary>
    public CheckpointException Bad(string key, string problem) => new(File, $"key {CheckpointException.Quote(_prefix + key)}: {problem}");

    private JsonElement? Find(string key) =>
        Root.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    // JsonDocument only finds out when such a string is asked for; here it is found once, with its place.
    private static void RefuseHalfSurrogates(string file, ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
                    _ = reader.GetString();
            }
        }
        catch (InvalidOperationException e)
        {
            throw new CheckpointException(file, "half of a surrogate pair was found, valid Unicode wanted", reader.TokenStartIndex, inner: e);
        }
    }

    private CheckpointException Missing(string key, string wanted) => Bad(key, $"absent, {wanted} wanted");

    private CheckpointException Wrong(string key, JsonElement found, string wanted) => Bad(key, $"{Describe(found)} was found, {wanted} wanted");

    private static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String or JsonValueKind.Number => CheckpointException.Quote(value.GetRawText().Trim('"')),
        JsonValueKind.Null => "null",
        _ => value.GetRawText(),
    };
}
