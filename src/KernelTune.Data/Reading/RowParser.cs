using System.Text;
using System.Text.Json;
using KernelTune.Text.Chat;

namespace KernelTune.Data.Reading;

/// <summary>Turns the JSON of one line into an example, or says which field is not what it should be and where it stands.</summary>
internal sealed class RowParser(string path)
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    /// <summary>The object on a line.</summary>
    /// <exception cref="DataException">Not one JSON object.</exception>
    public JsonElement Parse(Line line)
    {
        if (line.Problem is not null) throw new DataException(path, line.Problem, line.Number, line.Column);
        JsonElement root;
        try
        {
            using JsonDocument document = JsonDocument.Parse(line.Bytes, Strict);
            RefuseHalfSurrogates(line);
            root = document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            int column = Column(line.Bytes.Span, (int)(e.BytePositionInLine ?? 0));
            throw new DataException(path, $"not valid JSON ({Reason(e)})", line.Number, column, e);
        }

        return root.ValueKind == JsonValueKind.Object ? ChatMarkup.Of(root) : throw new DataException(path, $"{Kind(root)} was found, a JSON object wanted", line.Number, 1);
    }

    /// <summary>The format that the fields of a row show, and why.</summary>
    /// <exception cref="DataException">They show none.</exception>
    public (ExampleFormat Format, string Reason) Detect(JsonElement row, long line)
    {
        string fields = string.Join(", ", row.EnumerateObject().Select(p => p.Name));
        if (row.TryGetProperty("messages", out _)) return (ExampleFormat.Messages, $"line {line} has messages (its fields: {fields})");
        if (row.TryGetProperty("prompt", out _) && row.TryGetProperty("completion", out _)) return (ExampleFormat.PromptCompletion, $"line {line} has prompt and completion (its fields: {fields})");
        if (row.TryGetProperty("chosen", out _) && row.TryGetProperty("rejected", out _)) return (ExampleFormat.Preference, $"line {line} has chosen and rejected (its fields: {fields})");
        if (row.TryGetProperty("text", out _)) return (ExampleFormat.Text, $"line {line} has text (its fields: {fields})");
        throw new DataException(path, $"the fields {(fields.Length == 0 ? "(none)" : fields)} were found; messages, prompt and completion, chosen and rejected, or text wanted", line);
    }

    /// <exception cref="DataException">A field is missing, null or of another type.</exception>
    public Example Example(JsonElement row, ExampleFormat format, Line line) => format switch
    {
        ExampleFormat.Messages => new ChatExample(line.Number, Messages(row, "messages", line), null, Tools(row, line), Variables(row, line)),
        ExampleFormat.Text => new TextExample(line.Number, Text(row, "text", line)),
        ExampleFormat.Preference => new PreferenceExample(
            line.Number,
            row.TryGetProperty("prompt", out _) ? Passage(row, "prompt", line) : null,
            Passage(row, "chosen", line),
            Passage(row, "rejected", line),
            Tools(row, line),
            Variables(row, line)),
        _ => PromptCompletion(row, line),
    };

    private Example PromptCompletion(JsonElement row, Line line)
    {
        if (Field(row, "prompt", "a text or a list of messages", line).ValueKind != JsonValueKind.Array)
            return new PromptCompletionExample(line.Number, Text(row, "prompt", line), Text(row, "completion", line));
        return new ChatExample(line.Number, Messages(row, "prompt", line), Messages(row, "completion", line), Tools(row, line), Variables(row, line));
    }

    private Passage Passage(JsonElement row, string name, Line line) =>
        Field(row, name, "a text or a list of messages", line).ValueKind == JsonValueKind.Array ? new Passage(Messages(row, name, line)) : new Passage(Text(row, name, line));

    private string Text(JsonElement row, string name, Line line)
    {
        JsonElement field = Field(row, name, "a text", line);
        return field.ValueKind == JsonValueKind.String ? field.GetString()! : throw Wrong(line, [name], $"{name} is {Kind(field)}, a text wanted");
    }

    private JsonElement Field(JsonElement row, string name, string wanted, Line line)
    {
        if (!row.TryGetProperty(name, out JsonElement field)) throw new DataException(path, $"{name} is missing, {wanted} wanted", line.Number);
        return field.ValueKind == JsonValueKind.Null ? throw Wrong(line, [name], $"{name} is null, {wanted} wanted") : field;
    }

    private ChatMessage[] Messages(JsonElement row, string name, Line line)
    {
        JsonElement list = Field(row, name, "a list of messages", line);
        if (list.ValueKind != JsonValueKind.Array) throw Wrong(line, [name], $"{name} is {Kind(list)}, a list of messages wanted");
        if (list.GetArrayLength() == 0) throw Wrong(line, [name], $"{name} is empty, at least one message wanted");
        var messages = new ChatMessage[list.GetArrayLength()];
        for (int i = 0; i < messages.Length; i++)
        {
            JsonElement message = list[i];
            string which = $"{name}[{i}]";
            if (message.ValueKind != JsonValueKind.Object) throw Wrong(line, [name, i], $"{which} is {Kind(message)}, an object with role and content wanted");
            if (!message.TryGetProperty("role", out JsonElement role)) throw Wrong(line, [name, i], $"{which} has no role");
            if (role.ValueKind != JsonValueKind.String) throw Wrong(line, [name, i, "role"], $"{which}.role is {Kind(role)}, a text wanted");
            bool callsTools = message.TryGetProperty("tool_calls", out JsonElement calls) && calls.ValueKind == JsonValueKind.Array;
            if (!message.TryGetProperty("content", out JsonElement content))
            {
                if (!callsTools) throw Wrong(line, [name, i], $"{which} has no content");
            }
            else if (content.ValueKind == JsonValueKind.Null ? !callsTools : content.ValueKind is not (JsonValueKind.String or JsonValueKind.Array))
            {
                throw Wrong(line, [name, i, "content"], $"{which}.content is {Kind(content)}, a text wanted");
            }

            messages[i] = ChatMessage.FromJson(message);
        }

        return messages;
    }

    private object?[]? Tools(JsonElement row, Line line)
    {
        if (!row.TryGetProperty("tools", out JsonElement tools) || tools.ValueKind == JsonValueKind.Null) return null;
        if (tools.ValueKind == JsonValueKind.String)
        {
            // Tables keep nested objects as JSON text; TRL reads it back.
            try
            {
                using JsonDocument document = JsonDocument.Parse(tools.GetString()!, Strict);
                tools = document.RootElement.Clone();
            }
            catch (JsonException e)
            {
                throw Wrong(line, ["tools"], $"tools is a text that is not valid JSON ({Reason(e)})");
            }
        }

        if (tools.ValueKind == JsonValueKind.Null) return null;
        return tools.ValueKind == JsonValueKind.Array ? tools.EnumerateArray().Select(object? (t) => t).ToArray() : throw Wrong(line, ["tools"], $"tools is {Kind(tools)}, a list wanted");
    }

    private Dictionary<string, object?>? Variables(JsonElement row, Line line)
    {
        if (!row.TryGetProperty("chat_template_kwargs", out JsonElement given) || given.ValueKind == JsonValueKind.Null) return null;
        return given.ValueKind == JsonValueKind.Object
            ? given.EnumerateObject().ToDictionary(p => p.Name, object? (p) => p.Value)
            : throw Wrong(line, ["chat_template_kwargs"], $"chat_template_kwargs is {Kind(given)}, an object wanted");
    }

    private DataException Wrong(Line line, ReadOnlySpan<object> place, string problem) =>
        new(path, problem, line.Number, Column(line.Bytes.Span, JsonPlace.Offset(line.Bytes.Span, place)));

    /// <summary>An escape such as \ud800 without its other half is no character: nothing could be made of it but a replacement.</summary>
    private void RefuseHalfSurrogates(Line line)
    {
        if (line.Bytes.Span.IndexOf("\\u"u8) < 0) return;
        var reader = new Utf8JsonReader(line.Bytes.Span, new JsonReaderOptions { MaxDepth = 64 });
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName) || !reader.ValueIsEscaped) continue;
            try
            {
                reader.GetString();
            }
            catch (InvalidOperationException e)
            {
                throw new DataException(path, "half of a surrogate pair was found, a whole character wanted", line.Number, Column(line.Bytes.Span, (int)reader.TokenStartIndex), e);
            }
        }
    }

    private static int Column(ReadOnlySpan<byte> bytes, int offset) => Encoding.UTF8.GetString(bytes[..Math.Clamp(offset, 0, bytes.Length)]).EnumerateRunes().Count() + 1;

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "null",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        JsonValueKind.Number => "a number",
        JsonValueKind.String => "a text",
        JsonValueKind.Array => "a list",
        _ => "an object",
    };

    private static string Reason(JsonException e)
    {
        string message = e.Message.Split('\n')[0];
        int tail = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        if (tail < 0) tail = message.IndexOf(" Path:", StringComparison.Ordinal);
        return (tail < 0 ? message : message[..tail]).TrimEnd('.', ' ');
    }
}
