using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;

namespace KernelTune.Data.Reading;

/// <summary>The JSON of records: strict when read, plain when made.</summary>
internal static class RecordJson
{
    public const int Depth = 64;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = Depth };

    /// <summary>The object that <paramref name="place"/> holds.</summary>
    /// <exception cref="DataException">Not one JSON object.</exception>
    public static JsonElement Parse(string path, Place place)
    {
        ReadOnlySpan<byte> bytes = place.Json.Span;
        if (!Utf8.IsValid(bytes)) throw new DataException(path, "bytes that are not UTF-8 were found, UTF-8 wanted", place.Number, unit: place.Unit);
        JsonElement root;
        try
        {
            using JsonDocument document = JsonDocument.Parse(place.Json, Strict);
            RefuseHalfSurrogates(path, place);
            root = document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new DataException(path, $"not valid JSON ({Reason(e)})", place.Number, Column(bytes, (int)Math.Min(bytes.Length, e.BytePositionInLine ?? 0)), e, place.Unit);
        }

        return root.ValueKind == JsonValueKind.Object ? root : throw new DataException(path, $"{Kind(root)} was found, a JSON object wanted", place.Number, 1, null, place.Unit);
    }

    /// <summary>An object out of what <paramref name="write"/> writes.</summary>
    public static JsonElement Make(Action<Utf8JsonWriter> write)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes, new JsonWriterOptions { MaxDepth = 2 * Depth }))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        using JsonDocument document = JsonDocument.Parse(bytes.WrittenMemory, new JsonDocumentOptions { MaxDepth = 2 * Depth });
        return document.RootElement.Clone();
    }

    /// <summary>A text that holds JSON, as tables keep nested values.</summary>
    /// <exception cref="JsonException">It does not.</exception>
    public static JsonElement OfText(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text, Strict);
        return document.RootElement.Clone();
    }

    /// <summary>The column of a byte, in code points from 1.</summary>
    public static int Column(ReadOnlySpan<byte> bytes, int offset)
    {
        int column = 1;
        foreach (byte b in bytes[..Math.Clamp(offset, 0, bytes.Length)])
            if ((b & 0xC0) != 0x80) column++;
        return column;
    }

    public static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "null",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        JsonValueKind.Number => "a number",
        JsonValueKind.String => "a text",
        JsonValueKind.Array => "a list",
        _ => "an object",
    };

    public static string Reason(JsonException e)
    {
        string message = e.Message.Split('\n')[0];
        int tail = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        if (tail < 0) tail = message.IndexOf(" Path:", StringComparison.Ordinal);
        return (tail < 0 ? message : message[..tail]).TrimEnd('.', ' ');
    }

    /// <summary>An escape such as \ud800 without its other half is no character: nothing could be made of it but a replacement.</summary>
    private static void RefuseHalfSurrogates(string path, Place place)
    {
        if (place.Json.Span.IndexOf("\\u"u8) < 0) return;
        var reader = new Utf8JsonReader(place.Json.Span, new JsonReaderOptions { MaxDepth = Depth });
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName) || !reader.ValueIsEscaped) continue;
            try
            {
                reader.GetString();
            }
            catch (InvalidOperationException e)
            {
                throw new DataException(path, "half of a surrogate pair was found, a whole character wanted", place.Number, Column(place.Json.Span, (int)reader.TokenStartIndex), e, place.Unit);
            }
        }
    }
}
