using System.Text.Json;

namespace KernelTune.Data.Reading;

/// <summary>The fields of a row by the names that examples know them by, whatever the file calls them.</summary>
/// <param name="path">The file, for messages.</param>
/// <param name="row">An object.</param>
/// <param name="place">Where it stands.</param>
/// <param name="columns">Known name to the file's name; a name that is not there is the file's too.</param>
internal readonly struct RowFields(string path, JsonElement row, Place place, IReadOnlyDictionary<string, string> columns)
{
    public long Number => place.Number;

    public string NameOf(string known) => columns.GetValueOrDefault(known, known);

    public bool Has(string known) => row.TryGetProperty(NameOf(known), out _);

    /// <summary>The field; null where it is missing or null.</summary>
    public JsonElement? Find(string known) => row.TryGetProperty(NameOf(known), out JsonElement field) && field.ValueKind != JsonValueKind.Null ? field : null;

    /// <exception cref="DataException">Missing or null.</exception>
    public JsonElement Field(string known, string wanted)
    {
        string name = NameOf(known);
        if (!row.TryGetProperty(name, out JsonElement field)) throw new DataException(path, $"{name} is missing, {wanted} wanted", place.Number, unit: place.Unit);
        return field.ValueKind == JsonValueKind.Null ? throw Wrong([name], $"{name} is null, {wanted} wanted") : field;
    }

    /// <exception cref="DataException">Missing, null, or no text.</exception>
    public string Text(string known)
    {
        JsonElement field = Field(known, "a text");
        return field.ValueKind == JsonValueKind.String ? field.GetString()! : throw Wrong([NameOf(known)], $"{NameOf(known)} is {RecordJson.Kind(field)}, a text wanted");
    }

    /// <summary>The text of a field that need not be there.</summary>
    /// <exception cref="DataException">It is no text.</exception>
    public string? OptionalText(string known) => Find(known) is null ? null : Text(known);

    /// <summary>A list, also one that stands as JSON in a text, as tables keep them.</summary>
    /// <exception cref="DataException">Missing, null, or no list.</exception>
    public JsonElement List(string known, string wanted) => Opened(known, Field(known, wanted)) is { ValueKind: JsonValueKind.Array } list
        ? list
        : throw Wrong([NameOf(known)], $"{NameOf(known)} is {RecordJson.Kind(Field(known, wanted))}, {wanted} wanted");

    /// <summary>What a text holds that is a list or an object written as JSON; else the value itself.</summary>
    public JsonElement Opened(string known, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String || value.GetString()!.AsSpan().TrimStart() is not ['[' or '{', ..]) return value;
        try
        {
            return RecordJson.OfText(value.GetString()!);
        }
        catch (JsonException e)
        {
            throw Wrong([NameOf(known)], $"{NameOf(known)} is a text that is not valid JSON ({RecordJson.Reason(e)})");
        }
    }

    public DataException Wrong(ReadOnlySpan<object> steps, string problem) => new(
        path,
        problem,
        place.Number,
        place.Json.IsEmpty ? 0 : RecordJson.Column(place.Json.Span, JsonPlace.Offset(place.Json.Span, steps)),
        unit: place.Unit);
}
