using System.Text.Json;
using System.Text.Json.Nodes;

namespace KernelTune.Cli.Quickstart;

/// <summary>A question and its only right answer.</summary>
internal sealed record QuickstartQuestion(string Text, string Answer)
{
    /// <summary>Reads a line of the files: two messages.</summary>
    public static QuickstartQuestion Parse(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement messages = document.RootElement.GetProperty("messages");
        return new QuickstartQuestion(messages[0].GetProperty("content").GetString()!, messages[1].GetProperty("content").GetString()!);
    }

    public string ToLine() => new JsonObject
    {
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = Text }, new JsonObject { ["role"] = "assistant", ["content"] = Answer }),
    }.ToJsonString();
}
