using System.Buffers;
using System.Text.Json;

namespace KernelTune.Data;

/// <summary>Conversations of <c>from</c> and <c>value</c> (ShareGPT's) as conversations of <c>role</c> and <c>content</c>, as TRL's maybe_convert_to_chatml makes them.</summary>
public static class ChatMarkup
{
    private static readonly string[] Conversations = ["prompt", "completion", "chosen", "rejected", "messages", "conversations"];

    // ShareGPT's names of who speaks, as chat templates know them.
    private static readonly Dictionary<string, string> Roles = new(StringComparer.Ordinal)
    {
        ["human"] = "user", ["gpt"] = "assistant", ["chatgpt"] = "assistant", ["bing"] = "assistant", ["bard"] = "assistant", ["model"] = "assistant", ["observation"] = "tool",
    };

    /// <summary>The row itself where it has none; else with from and value of every message renamed, and conversations called messages.</summary>
    /// <param name="row">An object.</param>
    /// <param name="renamesRoles">Whether human and gpt, said to speak, become user and assistant, as chat templates want; TRL leaves them.</param>
    public static JsonElement Of(JsonElement row, bool renamesRoles = false)
    {
        if (!row.TryGetProperty("conversations", out _) && !Conversations.Any(name => row.TryGetProperty(name, out JsonElement list) && IsForeign(list))) return row;
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes))
        {
            writer.WriteStartObject();
            foreach (JsonProperty field in row.EnumerateObject())
            {
                if (field.NameEquals("messages") && row.TryGetProperty("conversations", out _)) continue;
                writer.WritePropertyName(field.NameEquals("conversations") ? "messages" : field.Name);
                if (Conversations.Contains(field.Name) && field.Value.ValueKind == JsonValueKind.Array) Messages(writer, field.Value, renamesRoles);
                else field.Value.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        using JsonDocument document = JsonDocument.Parse(bytes.WrittenMemory);
        return document.RootElement.Clone();
    }

    private static bool IsForeign(JsonElement list) => list.ValueKind == JsonValueKind.Array
        && list.EnumerateArray().Any(m => m.ValueKind == JsonValueKind.Object && (m.TryGetProperty("from", out _) || m.TryGetProperty("value", out _)));

    private static void Messages(Utf8JsonWriter writer, JsonElement list, bool renamesRoles)
    {
        writer.WriteStartArray();
        foreach (JsonElement message in list.EnumerateArray())
        {
            if (message.ValueKind != JsonValueKind.Object)
            {
                message.WriteTo(writer);
                continue;
            }

            // What is renamed comes last, as where a key is taken out of a dictionary and put in under another name.
            bool from = message.TryGetProperty("from", out JsonElement role), value = message.TryGetProperty("value", out JsonElement content);
            writer.WriteStartObject();
            foreach (JsonProperty field in message.EnumerateObject())
            {
                bool replaced = field.Name is "from" or "value" || (from && field.NameEquals("role")) || (value && field.NameEquals("content"));
                if (!replaced) field.WriteTo(writer);
            }

            if (from)
            {
                writer.WritePropertyName("role");
                if (renamesRoles && role.ValueKind == JsonValueKind.String && Roles.TryGetValue(role.GetString()!, out string? known)) writer.WriteStringValue(known);
                else role.WriteTo(writer);
            }

            if (value)
            {
                writer.WritePropertyName("content");
                content.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
