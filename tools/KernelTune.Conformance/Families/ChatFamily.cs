using System.Text.Json;
using KernelTune.Text;
using KernelTune.Text.Chat;
using KernelTune.Text.Jinja;

namespace KernelTune.Conformance.Families;

/// <summary>chat/: whole templates over conversations, and single features of Jinja.</summary>
public sealed class ChatFamily : IFamily
{
    public string Name => "chat";

    public bool UsesDevice => false;

    public IEnumerable<string> Cases(string folder) =>
        Directory.EnumerateFiles(folder, "*.json").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal);

    public IEnumerable<Finding> Run(string folder, string name, string device)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, name + ".json")));
        JsonElement root = json.RootElement;
        var clock = new FixedClock(root.TryGetProperty("now", out JsonElement now) ? now.GetDateTime() : default);
        string kind = root.GetProperty("kind").GetString()!;
        switch (kind)
        {
            case "jinja":
                return [Judge(root.GetProperty("cases"), "template", one => Feature(one, clock))];
            case "chat_template":
                var tokens = root.GetProperty("special_tokens").EnumerateObject()
                    .Where(t => t.Value.ValueKind == JsonValueKind.String).ToDictionary(t => t.Name, t => t.Value.GetString()!);
                ChatTemplate template = ChatTemplate.Compile(root.GetProperty("chat_template").GetString()!, tokens, clock: clock);
                return [Judge(root.GetProperty("cases"), "name", one => Conversation(template, one))];
            default:
                return [new Finding("", Outcome.Unsupported, $"kind {kind}")];
        }
    }

    /// <summary>
    /// The lines of <c>chat.jsonl</c> in <paramref name="folder"/>, a case of real/ whose case.json names a model: chats through that model's own template, and their ids. Special tokens in what
    /// a user wrote are recognised there.
    /// </summary>
    /// <param name="folder">The case.</param>
    /// <param name="models">Where the models are; null: <c>KERNELTUNE_MODELS</c>, else the folder models beside the goldens.</param>
    public static Finding RunChatLines(string folder, string? models = null)
    {
        models ??= Environment.GetEnvironmentVariable("KERNELTUNE_MODELS") is { Length: > 0 } set ? set : Path.GetFullPath(Path.Combine(folder, "..", "..", "..", "models"));
        using JsonDocument about = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "case.json")));
        Tokenizer tokenizer = Tokenizer.Load(Path.Combine(models, about.RootElement.GetProperty("model").GetString()!));
        ChatTemplate template = ChatTemplate.Of(tokenizer.Config) ?? throw new InvalidDataException($"{tokenizer.Name}: the model has no chat template");
        int number = 0;
        foreach (string line in File.ReadAllText(Path.Combine(folder, "chat.jsonl")).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using JsonDocument one = JsonDocument.Parse(line);
            JsonElement root = one.RootElement;
            Rendered rendered = template.Render(root.GetProperty("messages").EnumerateArray().Select(ChatMessage.FromJson).ToArray(), addGenerationPrompt: root.GetProperty("add_generation_prompt").GetBoolean());
            if (Compare(rendered.Text, root.GetProperty("rendered").GetString()!) is { } wrong) return new Finding("", Outcome.Fail, $"chat {number}: {wrong}");
            int[] ids = tokenizer.EncodeIds(rendered.Text, addSpecialTokens: false), wanted = root.GetProperty("ids").EnumerateArray().Select(e => e.GetInt32()).ToArray();
            int same = ids.AsSpan().CommonPrefixLength(wanted);
            if (same < ids.Length || same < wanted.Length) return new Finding("", Outcome.Fail, $"chat {number}: ids differ at {same} ({ids.Length} of them, wanted {wanted.Length})");
            number++;
        }

        return new Finding("", Outcome.Pass, $"{number} chats");
    }

    private static Finding Judge(JsonElement cases, string label, Func<JsonElement, string?> run)
    {
        var wrong = new List<string>();
        int number = 0;
        foreach (JsonElement one in cases.EnumerateArray())
        {
            if (Attempt(one, run) is { } what)
                wrong.Add($"case {number} ({(one.TryGetProperty(label, out JsonElement l) ? l.GetString() : "")}): {what}");
            number++;
        }

        return wrong.Count == 0 ? new Finding("", Outcome.Pass, $"{number} texts") : new Finding("", Outcome.Fail, $"{wrong.Count} of {number}: {string.Join("; ", wrong.Take(3))}");
    }

    /// <summary>Runs one case; null if it is right. The message of an error must agree where the template or the library worded it.</summary>
    private static string? Attempt(JsonElement one, Func<JsonElement, string?> run)
    {
        try
        {
            string? wrong = run(one);
            if (!one.TryGetProperty("error", out JsonElement wanted)) return wrong;
            return $"rendered, wanted the error {wanted.GetString()}";
        }
        catch (TemplateException e)
        {
            if (!one.TryGetProperty("error", out JsonElement wanted)) return e.Message;
            string type = one.GetProperty("error_type").GetString()!;
            return type is "TemplateError" or "ValueError" && wanted.GetString() != e.Detail ? $"error '{e.Detail}', wanted '{wanted.GetString()}'" : null;
        }
    }

    private static string? Feature(JsonElement one, FixedClock clock)
    {
        var context = one.GetProperty("context").EnumerateObject().ToDictionary(p => p.Name, object? (p) => p.Value);
        string text = Template.Compile(one.GetProperty("template").GetString()!).Render(context, clock.GetLocalNow().DateTime).Text;
        return one.TryGetProperty("rendered", out JsonElement wanted) ? Compare(text, wanted.GetString()!) : null;
    }

    private static string? Conversation(ChatTemplate template, JsonElement one)
    {
        ChatMessage[] messages = one.GetProperty("messages").EnumerateArray().Select(ChatMessage.FromJson).ToArray();
        object?[]? tools = one.TryGetProperty("tools", out JsonElement given) && given.ValueKind == JsonValueKind.Array
            ? given.EnumerateArray().Select(object? (t) => t).ToArray() : null;
        var variables = one.GetProperty("kwargs").EnumerateObject().ToDictionary(p => p.Name, object? (p) => p.Value);
        if (one.TryGetProperty("documents", out JsonElement documents)) variables["documents"] = documents;
        Rendered rendered = template.Render(messages, tools, one.GetProperty("add_generation_prompt").GetBoolean(), one.GetProperty("continue_final_message").GetBoolean(), variables);
        if (!one.TryGetProperty("rendered", out JsonElement wanted)) return null;
        if (Compare(rendered.Text, wanted.GetString()!) is { } wrong) return wrong;
        if (!one.TryGetProperty("assistant_spans", out JsonElement spans)) return null;
        string ours = string.Join(" ", rendered.AssistantSpans.Select(s => $"[{s.Start},{s.End}]"));
        string theirs = string.Join(" ", spans.EnumerateArray().Select(s => $"[{s[0].GetInt32()},{s[1].GetInt32()}]"));
        return ours == theirs ? null : $"assistant spans {ours}, wanted {theirs}";
    }

    private static string? Compare(string ours, string wanted)
    {
        if (ours == wanted) return null;
        int at = 0;
        while (at < ours.Length && at < wanted.Length && ours[at] == wanted[at]) at++;
        return $"differs at {at}: …{Around(ours, at)}…, wanted …{Around(wanted, at)}…";
    }

    private static string Around(string text, int at) => text[Math.Max(0, at - 20)..Math.Min(text.Length, at + 40)].ReplaceLineEndings("\\n");
}

/// <summary>A clock that stands still.</summary>
internal sealed class FixedClock(DateTime now) : TimeProvider
{
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => new(DateTime.SpecifyKind(now, DateTimeKind.Utc));
}
