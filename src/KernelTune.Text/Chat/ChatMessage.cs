using System.Text.Json;

namespace KernelTune.Text.Chat;

/// <summary>One message of a conversation: its fields in order, of which role and content are the usual ones.</summary>
public sealed class ChatMessage
{
    private ChatMessage(IReadOnlyList<KeyValuePair<string, object?>> fields) => Fields = fields;

    /// <param name="role">"system", "user", "assistant", "tool" …</param>
    /// <param name="content">What is said.</param>
    public ChatMessage(string role, string content)
        : this([new("role", role), new("content", content)])
    {
    }

    /// <summary>A message with further fields; values are null, bool, integers, double, string, JsonElement, or lists and dictionaries of these.</summary>
    public static ChatMessage Of(IEnumerable<KeyValuePair<string, object?>> fields) => new(fields.ToArray());

    /// <summary>A message out of a JSON object.</summary>
    /// <exception cref="ArgumentException">Not an object.</exception>
    public static ChatMessage FromJson(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object) throw new ArgumentException($"a message must be a JSON object, not {json.ValueKind}", nameof(json));
        return new(json.EnumerateObject().Select(p => new KeyValuePair<string, object?>(p.Name, p.Value.ValueKind == JsonValueKind.Null ? null : p.Value)).ToArray());
    }

    /// <summary>The fields in the order in which they came.</summary>
    public IReadOnlyList<KeyValuePair<string, object?>> Fields { get; }

    /// <summary>The role, or "" where there is none.</summary>
    public string Role => Field("role") switch
    {
        string role => role,
        JsonElement { ValueKind: JsonValueKind.String } json => json.GetString()!,
        _ => "",
    };

    private object? Field(string name)
    {
        foreach ((string key, object? value) in Fields)
            if (key == name) return value;
        return null;
    }
}

/// <summary>Part of a text: code points [Start, End).</summary>
/// <param name="Start">The first code point.</param>
/// <param name="End">The one after the last.</param>
public readonly record struct TextSpan(int Start, int End);

/// <summary>A conversation as text.</summary>
/// <param name="Text">What the model reads.</param>
/// <param name="AssistantSpans">What the assistant writes: between generation marks, or see <see cref="ChatTemplate.RenderForTraining"/>.</param>
/// <param name="ContentSpans">What came out of the messages, not of the template: a special token in there is only text that looks like one.</param>
public sealed record Rendered(string Text, IReadOnlyList<TextSpan> AssistantSpans, IReadOnlyList<TextSpan> ContentSpans);
