using System.Text.Json;
using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>What is said: a text, or the messages of a conversation. One of both is not null.</summary>
public sealed record Passage
{
    public Passage(string text) => Text = text;

    public Passage(IReadOnlyList<ChatMessage> messages) => Messages = messages;

    public string? Text { get; }

    public IReadOnlyList<ChatMessage>? Messages { get; }

    /// <summary>Whether two messages have the same fields with the same values, in whatever order.</summary>
    internal static bool Same(ChatMessage one, ChatMessage other)
    {
        if (one.Fields.Count != other.Fields.Count) return false;
        var fields = other.Fields.ToDictionary(f => f.Key, f => f.Value, StringComparer.Ordinal);
        return one.Fields.All(f => fields.TryGetValue(f.Key, out object? value) && (f.Value, value) switch
        {
            (JsonElement a, JsonElement b) => JsonElement.DeepEquals(a, b),
            var (a, b) => Equals(a, b),
        });
    }
}

/// <summary>Two answers of which the first is preferred.</summary>
/// <param name="Line">Its line, from 1.</param>
/// <param name="Prompt">What they answer; null where both begin with it.</param>
/// <param name="Chosen">The better answer.</param>
/// <param name="Rejected">The worse one.</param>
/// <param name="Tools">JSON schemas of tools; null for none.</param>
/// <param name="Variables">Further variables of the chat template; null for none.</param>
public sealed record PreferenceExample(
    long Line,
    Passage? Prompt,
    Passage Chosen,
    Passage Rejected,
    IReadOnlyList<object?>? Tools = null,
    IReadOnlyDictionary<string, object?>? Variables = null) : Example(Line);

/// <summary>An answer that is good or bad.</summary>
public sealed record JudgedExample(long Line, Passage? Prompt, Passage Completion, bool Label) : Example(Line);
