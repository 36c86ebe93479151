using System.Text.Json;
using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>What the rows of a file are.</summary>
public enum ExampleFormat
{
    /// <summary>Told from the fields of the first row.</summary>
    Auto,

    /// <summary><c>messages</c>: a conversation; also <c>tools</c> and <c>chat_template_kwargs</c>.</summary>
    Messages,

    /// <summary><c>prompt</c> and <c>completion</c>: two texts, or two lists of messages.</summary>
    PromptCompletion,

    /// <summary><c>text</c>.</summary>
    Text,

    /// <summary>A folder with a folder of pictures a class: no rows, and read by another reader.</summary>
    ImageFolder,

    /// <summary><c>chosen</c> and <c>rejected</c>, with or without <c>prompt</c>: two texts, or two lists of messages.</summary>
    Preference,
}

/// <summary>One row of a data file.</summary>
/// <param name="Line">Its line, from 1.</param>
public abstract record Example(long Line);

/// <summary>Plain text.</summary>
public sealed record TextExample(long Line, string Text) : Example(Line);

/// <summary>A text, and the text that should follow it.</summary>
public sealed record PromptCompletionExample(long Line, string Prompt, string Completion) : Example(Line);

/// <summary>A conversation, or (Completion is not null) its beginning and the messages that should follow.</summary>
/// <param name="Line">Its line, from 1.</param>
/// <param name="Messages">All messages, or those of the prompt.</param>
/// <param name="Completion">The messages that follow; null for a whole conversation.</param>
/// <param name="Tools">JSON schemas of tools; null for none.</param>
/// <param name="Variables">Further variables of the chat template; null for none.</param>
public sealed record ChatExample(
    long Line,
    IReadOnlyList<ChatMessage> Messages,
    IReadOnlyList<ChatMessage>? Completion,
    IReadOnlyList<object?>? Tools,
    IReadOnlyDictionary<string, object?>? Variables) : Example(Line);
