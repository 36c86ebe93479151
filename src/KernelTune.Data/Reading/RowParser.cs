using System.Globalization;
using System.Text.Json;
using KernelTune.Text.Chat;

namespace KernelTune.Data.Reading;

/// <summary>Turns a row into an example, or says which field is not what it should be and where it stands.</summary>
internal static class RowParser
{
    /// <exception cref="DataException">A field is missing, null or of another type.</exception>
    public static Example Parse(in RowFields row, ExampleFormat format) => format switch
    {
        ExampleFormat.Messages => new ChatExample(row.Number, Messages(row, "messages"), null, Tools(row), Variables(row)),
        ExampleFormat.Text => new TextExample(row.Number, row.Text("text"), row.NameOf("text") == "document"),
        ExampleFormat.Instruction => new InstructionExample(row.Number, row.Text("instruction"), row.OptionalText("input") ?? "", row.Text("output"), row.OptionalText("system"), History(row), row.NameOf("instruction") is "question" or "prompt" or "source"),
        ExampleFormat.Preference => new PreferenceExample(row.Number, row.Has("prompt") ? Said(row, "prompt") : null, Said(row, "chosen"), Said(row, "rejected"), Tools(row), Variables(row)),
        ExampleFormat.Classification => new ClassificationExample(row.Number, row.Text("text"), row.OptionalText("text_pair"), Label(row, row.Field("label", "a class"), ["label"])),
        ExampleFormat.TokenLabels => TokenLabels(row),
        ExampleFormat.Squad => Question(row),
        _ => PromptCompletion(row),
    };

    private static Example PromptCompletion(in RowFields row)
    {
        JsonElement prompt = row.Opened("prompt", row.Field("prompt", "a text or a list of messages"));
        return prompt.ValueKind == JsonValueKind.Array && prompt.EnumerateArray().All(m => m.ValueKind == JsonValueKind.Object)
            ? new ChatExample(row.Number, Messages(row, "prompt"), Messages(row, "completion"), Tools(row), Variables(row))
            : new PromptCompletionExample(row.Number, row.Text("prompt"), row.Text("completion"));
    }

    private static Passage Said(in RowFields row, string name)
    {
        JsonElement field = row.Field(name, "a text or a list of messages");
        return field.ValueKind == JsonValueKind.Array ? new Passage(Messages(row, name)) : new Passage(row.Text(name));
    }

    /// <summary>A field's messages, each with a role and content.</summary>
    /// <exception cref="DataException">It is no list of them, or an empty one.</exception>
    public static ChatMessage[] Messages(in RowFields row, string known)
    {
        string name = row.NameOf(known);
        JsonElement list = row.List(known, "a list of messages");
        if (list.GetArrayLength() == 0) throw row.Wrong([name], $"{name} is empty, at least one message wanted");
        var messages = new ChatMessage[list.GetArrayLength()];
        for (int i = 0; i < messages.Length; i++)
        {
            JsonElement message = list[i];
            string which = $"{name}[{i}]";
            if (message.ValueKind != JsonValueKind.Object) throw row.Wrong([name, i], $"{which} is {RecordJson.Kind(message)}, an object with role and content wanted");
            if (!message.TryGetProperty("role", out JsonElement role)) throw row.Wrong([name, i], $"{which} has no role");
            if (role.ValueKind != JsonValueKind.String) throw row.Wrong([name, i, "role"], $"{which}.role is {RecordJson.Kind(role)}, a text wanted");
            bool callsTools = message.TryGetProperty("tool_calls", out JsonElement calls) && calls.ValueKind == JsonValueKind.Array;
            if (!message.TryGetProperty("content", out JsonElement content))
            {
                if (!callsTools) throw row.Wrong([name, i], $"{which} has no content");
            }
            else if (content.ValueKind == JsonValueKind.Null ? !callsTools : content.ValueKind is not (JsonValueKind.String or JsonValueKind.Array))
            {
                throw row.Wrong([name, i, "content"], $"{which}.content is {RecordJson.Kind(content)}, a text wanted");
            }

            messages[i] = ChatMessage.FromJson(message);
        }

        return messages;
    }

    private static object?[]? Tools(in RowFields row)
    {
        if (row.Find("tools") is not { } tools) return null;
        // Tables keep nested objects as JSON text; TRL reads it back.
        if (tools.ValueKind == JsonValueKind.String)
        {
            try
            {
                tools = RecordJson.OfText(tools.GetString()!);
            }
            catch (JsonException e)
            {
                throw row.Wrong(["tools"], $"tools is a text that is not valid JSON ({RecordJson.Reason(e)})");
            }
        }

        if (tools.ValueKind == JsonValueKind.Null) return null;
        return tools.ValueKind == JsonValueKind.Array ? tools.EnumerateArray().Select(object? (t) => t).ToArray() : throw row.Wrong(["tools"], $"tools is {RecordJson.Kind(tools)}, a list wanted");
    }

    private static Dictionary<string, object?>? Variables(in RowFields row)
    {
        if (row.Find("chat_template_kwargs") is not { } given) return null;
        return given.ValueKind == JsonValueKind.Object
            ? given.EnumerateObject().ToDictionary(p => p.Name, object? (p) => p.Value)
            : throw row.Wrong(["chat_template_kwargs"], $"chat_template_kwargs is {RecordJson.Kind(given)}, an object wanted");
    }

    /// <summary>Earlier turns as Alpaca's descendants keep them: a list of [question, answer].</summary>
    private static (string, string)[]? History(in RowFields row)
    {
        if (row.Find("history") is null) return null;
        JsonElement list = row.List("history", "a list of questions and answers");
        var turns = new (string, string)[list.GetArrayLength()];
        for (int i = 0; i < turns.Length; i++)
        {
            if (list[i].ValueKind != JsonValueKind.Array || list[i].GetArrayLength() != 2 || list[i].EnumerateArray().Any(t => t.ValueKind != JsonValueKind.String))
                throw row.Wrong([row.NameOf("history"), i], $"{row.NameOf("history")}[{i}] is no pair of texts, a question and its answer wanted");
            turns[i] = (list[i][0].GetString()!, list[i][1].GetString()!);
        }

        return turns;
    }

    private static string Label(in RowFields row, JsonElement label, ReadOnlySpan<object> steps) => label.ValueKind switch
    {
        JsonValueKind.String when label.GetString()!.Length > 0 => label.GetString()!,
        JsonValueKind.Number when label.TryGetInt64(out long number) => number.ToString(CultureInfo.InvariantCulture),
        JsonValueKind.True => "1",
        JsonValueKind.False => "0",
        _ => throw row.Wrong([row.NameOf((string)steps[0]), .. steps[1..]], $"{row.NameOf((string)steps[0])} is {(label.ValueKind == JsonValueKind.String ? "empty" : label.ValueKind == JsonValueKind.Number ? label.GetRawText() : RecordJson.Kind(label))}, a class's name or number wanted"),
    };

    private static TokenLabelsExample TokenLabels(in RowFields row)
    {
        JsonElement tokens = row.List("tokens", "a list of words"), labels = row.List("labels", "a list of labels");
        if (tokens.GetArrayLength() != labels.GetArrayLength())
            throw row.Wrong([row.NameOf("labels")], $"{labels.GetArrayLength()} {row.NameOf("labels")} were found for {tokens.GetArrayLength()} {row.NameOf("tokens")}, one each wanted");
        var words = new string[tokens.GetArrayLength()];
        var names = new string[words.Length];
        for (int i = 0; i < words.Length; i++)
        {
            if (tokens[i].ValueKind != JsonValueKind.String) throw row.Wrong([row.NameOf("tokens"), i], $"{row.NameOf("tokens")}[{i}] is {RecordJson.Kind(tokens[i])}, a text wanted");
            words[i] = tokens[i].GetString()!;
            names[i] = Label(row, labels[i], ["labels", i]);
        }

        return new TokenLabelsExample(row.Number, words, names);
    }

    private static QuestionExample Question(in RowFields row)
    {
        string context = row.Text("context"), name = row.NameOf("answers");
        JsonElement answers = row.Opened("answers", row.Field("answers", "answers of text and answer_start"));
        var found = new List<(string, int)>();
        if (answers.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement one in answers.EnumerateArray())
                found.Add(one.ValueKind == JsonValueKind.Object && one.TryGetProperty("text", out JsonElement text) && one.TryGetProperty("answer_start", out JsonElement start)
                    ? Answer(row, text, start)
                    : throw row.Wrong([name], $"{name} holds {RecordJson.Kind(one)}, objects of text and answer_start wanted"));
        }
        else if (answers.ValueKind == JsonValueKind.Object && answers.TryGetProperty("text", out JsonElement texts) && answers.TryGetProperty("answer_start", out JsonElement starts)
            && texts.ValueKind == JsonValueKind.Array && starts.ValueKind == JsonValueKind.Array && texts.GetArrayLength() == starts.GetArrayLength())
        {
            for (int i = 0; i < texts.GetArrayLength(); i++) found.Add(Answer(row, texts[i], starts[i]));
        }
        else
        {
            throw row.Wrong([name], $"{name} is {RecordJson.Kind(answers)}, as many text as answer_start wanted");
        }

        int length = context.EnumerateRunes().Count();
        foreach ((string text, int start) in found)
            if (start < 0 || start > length - text.EnumerateRunes().Count())
                throw row.Wrong([name], $"an answer that begins at {start} was found, one within the {length} characters of the context wanted");
        return new QuestionExample(row.Number, row.Find("id") is { ValueKind: JsonValueKind.String } id ? id.GetString()! : row.Number.ToString(CultureInfo.InvariantCulture), row.Text("question"), context, found);
    }

    private static (string, int) Answer(in RowFields row, JsonElement text, JsonElement start) =>
        text.ValueKind == JsonValueKind.String && start.ValueKind == JsonValueKind.Number && start.TryGetInt32(out int at)
            ? (text.GetString()!, at)
            : throw row.Wrong([row.NameOf("answers")], $"an answer of {RecordJson.Kind(text)} that begins at {RecordJson.Kind(start)} was found, a text and a number wanted");
}
