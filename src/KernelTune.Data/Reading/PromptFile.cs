using System.Text.Json;
using KernelTune.Data.Reading;
using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>What a model is to be asked: a text to go on with, or a conversation to answer.</summary>
/// <param name="Line">Its line, from 1.</param>
/// <param name="Text">The text; null: a conversation.</param>
/// <param name="Messages">The conversation, which ends before the answer; null: a text.</param>
public sealed record AskedPrompt(long Line, string? Text, IReadOnlyList<ChatMessage>? Messages);

/// <summary>Prompts out of JSON Lines: <c>prompt</c>, a text or messages, or <c>messages</c> (or ShareGPT's <c>conversations</c>), whose last answer is left to the model.</summary>
public static class PromptFile
{
    /// <summary>The prompts in the file's order.</summary>
    /// <exception cref="DataException">The file cannot be read or holds no prompt; a line is too long, not UTF-8, not a JSON object, or asks nothing.</exception>
    public static IEnumerable<AskedPrompt> Read(string path)
    {
        using var reader = new JsonLinesReader(path, new ReadOptions().LongestLine);
        bool any = false;
        while (reader.TryRead(out Record record))
        {
            if (record.Problem is not null) throw record.Problem;
            any = true;
            yield return Asked(new RowFields(path, ChatMarkup.Of(record.Row, renamesRoles: true), record.Place, new Dictionary<string, string>()));
        }

        if (!any) throw new DataException(path, "no prompt was found");
    }

    private static AskedPrompt Asked(in RowFields row)
    {
        bool prompt = row.Find("prompt") is not null;
        if (prompt && row.Field("prompt", "").ValueKind == JsonValueKind.String) return new AskedPrompt(row.Number, row.Text("prompt"), null);
        string name = prompt ? "prompt" : "messages";
        if (!row.Has(name)) throw row.Wrong([], "messages, a list, or prompt, a text, is missing");
        ChatMessage[] messages = RowParser.Messages(row, name);
        if (messages[^1].Role == "assistant") messages = messages[..^1];
        return messages.Length > 0 ? new AskedPrompt(row.Number, null, messages) : throw row.Wrong([name], $"{name} has nothing to answer");
    }
}
