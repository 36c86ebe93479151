using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace KernelTune.Checkpoints;

/// <summary>JSON as Python's <c>json.dumps(x, indent=2, sort_keys=True)</c> writes it: keys sorted at every level, 8.0 stays 8.0.</summary>
public static class SortedJson
{
    /// <summary>UTF-8, no newline at the end.</summary>
    public static byte[] Bytes(JsonNode node)
    {
        var json = new ArrayBufferWriter<byte>();
        var options = new JsonWriterOptions { Indented = true, IndentSize = 2, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var writer = new Utf8JsonWriter(json, options))
            Write(writer, node);
        return json.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter writer, JsonNode? node)
    {
        switch (node)
        {
            case null:
                writer.WriteNullValue();
                break;
            case JsonObject map:
                writer.WriteStartObject();
                foreach (var (key, value) in map.OrderBy(p => p.Key, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(key);
                    Write(writer, value);
                }

                writer.WriteEndObject();
                break;
            case JsonArray list:
                writer.WriteStartArray();
                foreach (var value in list)
                    Write(writer, value);
                writer.WriteEndArray();
                break;
            case JsonValue value when value.TryGetValue<JsonElement>(out var parsed):
                parsed.WriteTo(writer);     // keeps the number's own digits
                break;
            case JsonValue value when value.TryGetValue<double>(out var real):
                writer.WriteRawValue(Python(real));
                break;
            case JsonValue value when value.TryGetValue<float>(out var real):
                writer.WriteRawValue(Python(real));
                break;
            default:
                node.WriteTo(writer);
                break;
        }
    }

    // Python tells 8.0 from 8, and readers that check types do too.
    private static string Python(double value) => WithPoint(value.ToString("R", CultureInfo.InvariantCulture));

    private static string Python(float value) => WithPoint(value.ToString("R", CultureInfo.InvariantCulture));

    private static string WithPoint(string digits) =>
        digits.AsSpan().ContainsAny('.', 'E', 'N') || digits.Contains('∞', StringComparison.Ordinal) ? digits : digits + ".0";
}
