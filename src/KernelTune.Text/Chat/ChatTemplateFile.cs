using System.Text.Json;

namespace KernelTune.Text.Chat;

/// <summary>A folder's chat template and the special tokens that go with it.</summary>
/// <param name="Template">The template's text; null where the folder has none.</param>
/// <param name="SpecialTokens">bos_token, eos_token, unk_token, sep_token, pad_token, cls_token and mask_token, those that there are.</param>
public sealed record ChatTemplateFile(string? Template, IReadOnlyDictionary<string, string> SpecialTokens)
{
    private static readonly string[] Names = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    /// <summary>
    /// Reads <c>chat_template.jinja</c>, else <c>chat_template</c> of <c>tokenizer_config.json</c> (a text, or a list of named ones, of which "default" is taken).
    /// </summary>
    /// <exception cref="InvalidDataException">tokenizer_config.json is not what it should be: the file and the field are named.</exception>
    public static ChatTemplateFile Read(string folder)
    {
        string path = Path.Combine(folder, "tokenizer_config.json");
        string? template = null;
        var tokens = new Dictionary<string, string>(StringComparer.Ordinal);
        if (File.Exists(path))
        {
            using JsonDocument config = Parse(path);
            if (config.RootElement.ValueKind != JsonValueKind.Object) throw new InvalidDataException($"{path}: a JSON object is wanted, not {config.RootElement.ValueKind}");
            foreach (string name in Names)
            {
                if (!config.RootElement.TryGetProperty(name, out JsonElement token) || token.ValueKind == JsonValueKind.Null) continue;
                if (token.ValueKind == JsonValueKind.Object && token.TryGetProperty("content", out JsonElement content)) token = content;
                if (token.ValueKind != JsonValueKind.String) throw new InvalidDataException($"{path}: {name} must be a text or an object with content, not {token.ValueKind}");
                tokens[name] = token.GetString()!;
            }

            if (config.RootElement.TryGetProperty("chat_template", out JsonElement given)) template = Default(given, path);
        }

        string file = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(file)) template = File.ReadAllText(file);
        return new ChatTemplateFile(template, tokens);
    }

    private static JsonDocument Parse(string path)
    {
        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(path));
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: line {e.LineNumber + 1}, column {e.BytePositionInLine + 1}: not JSON", e);
        }
    }

    private static string? Default(JsonElement given, string path)
    {
        switch (given.ValueKind)
        {
            case JsonValueKind.Null: return null;
            case JsonValueKind.String: return given.GetString();
            case JsonValueKind.Array:
                foreach (JsonElement entry in given.EnumerateArray())
                {
                    if (entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty("name", out JsonElement name) && name.ValueEquals("default")
                        && entry.TryGetProperty("template", out JsonElement template) && template.ValueKind == JsonValueKind.String) return template.GetString();
                }

                return null;
            default: throw new InvalidDataException($"{path}: chat_template must be a text or a list of named ones, not {given.ValueKind}");
        }
    }
}
