using System.Text.Json;
using KernelTune.Data;
using KernelTune.Text;
using KernelTune.Text.Chat;
using KernelTune.Training.Runs;

namespace KernelTune.Cli.Models;

/// <summary>What a model is asked: a text that it goes on with, or a conversation that it answers.</summary>
internal sealed record Prompt(string? Text, IReadOnlyList<ChatMessage>? Messages)
{
    /// <summary>The prompts of a JSON Lines file: <c>{"messages": […]}</c> or <c>{"prompt": "…"}</c>; a last assistant message is left to the model.</summary>
    /// <exception cref="DataException">The file or a line cannot be used.</exception>
    public static IReadOnlyList<Prompt> ReadFile(string path)
    {
        if (!File.Exists(path)) throw new DataException(path, "no such file");
        List<Prompt> prompts = [];
        int number = 0;
        foreach (string line in File.ReadLines(path, new System.Text.UTF8Encoding(false, throwOnInvalidBytes: true)))
        {
            number++;
            if (line.Length == 0) continue;
            prompts.Add(Parse(line, path, number));
        }
        return prompts.Count > 0 ? prompts : throw new DataException(path, "no prompt was found");
    }

    /// <summary>The ids that the model is given.</summary>
    /// <exception cref="UsageException">A conversation, and the model has no chat template.</exception>
    public int[] Encode(TextTools text, string? system)
    {
        if (Messages is null) return text.Tokenizer.EncodeIds(Text!);
        if (text.Template is null) throw new UsageException("the model has no chat template: --raw continues the prompt as it is");
        IReadOnlyList<ChatMessage> messages = system is null ? Messages : [new ChatMessage("system", system), .. Messages];
        Rendered rendered = text.Template.Render(messages, addGenerationPrompt: true);
        // What a user wrote stays text, even where it looks like one of the template's marks.
        return text.Tokenizer.EncodeIds(rendered.Text, addSpecialTokens: false, new EncodeOptions { OrdinaryText = rendered.ContentSpans });
    }

    private static Prompt Parse(string line, string path, int number)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement.Clone();   // messages keep their elements
            if (root.ValueKind != JsonValueKind.Object) throw new DataException(path, $"found {root.ValueKind}, wanted an object with messages or prompt", number);
            if (root.TryGetProperty("prompt", out JsonElement prompt) && prompt.ValueKind == JsonValueKind.String) return new Prompt(prompt.GetString(), null);
            if (!root.TryGetProperty("messages", out JsonElement messages) || messages.ValueKind != JsonValueKind.Array)
                throw new DataException(path, "messages, a list, or prompt, a text, is missing", number);
            List<ChatMessage> chat = [.. messages.EnumerateArray().Select(ChatMessage.FromJson)];
            if (chat.Count > 0 && chat[^1].Role == "assistant") chat.RemoveAt(chat.Count - 1);
            return chat.Count > 0 ? new Prompt(null, chat) : throw new DataException(path, "messages has nothing to answer", number);
        }
        catch (JsonException e)
        {
            throw new DataException(path, $"not JSON: {e.Message}", number, (int)(e.BytePositionInLine ?? 0) + 1);
        }
    }
}
