using System.Text.Json;
using KernelTune.Text.Pipeline;

namespace KernelTune.Text;

/// <summary>What tokenizer_config.json, special_tokens_map.json and chat_template.jinja say beside tokenizer.json. A token that no file names is null.</summary>
public sealed record TokenizerConfig
{
    public string? BosToken { get; init; }

    public string? EosToken { get; init; }

    public string? PadToken { get; init; }

    public string? UnknownToken { get; init; }

    public string? ClsToken { get; init; }

    public string? SepToken { get; init; }

    public string? MaskToken { get; init; }

    /// <summary>Whether the family puts a bos token first; null if no file says so.</summary>
    public bool? AddBosToken { get; init; }

    /// <summary>Whether the family puts an eos token last; null if no file says so.</summary>
    public bool? AddEosToken { get; init; }

    /// <summary>The side that batches are padded on.</summary>
    public TextSide PaddingSide { get; init; }

    /// <summary>The chat template's text.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>The longest text that the model takes, in tokens; null if no file says so.</summary>
    public int? MaxLength { get; init; }

    /// <exception cref="TokenizerException">A file is not JSON, or a value of another kind than is wanted: file and key.</exception>
    internal static TokenizerConfig Read(string folder)
    {
        JsonKey?[] sources = [Root(folder, "tokenizer_config.json"), Root(folder, "special_tokens_map.json")];
        string? Token(string name) => sources.Select(s => s?.Find(name) is { } t ? (t.Value.ValueKind == JsonValueKind.Object ? t["content"] : t).Text() : null).FirstOrDefault(t => t is not null);
        var config = sources[0];
        string template = Path.Combine(folder, "chat_template.jinja");
        return new TokenizerConfig
        {
            BosToken = Token("bos_token"),
            EosToken = Token("eos_token"),
            PadToken = Token("pad_token"),
            UnknownToken = Token("unk_token"),
            ClsToken = Token("cls_token"),
            SepToken = Token("sep_token"),
            MaskToken = Token("mask_token"),
            AddBosToken = config?.Find("add_bos_token")?.Flag(),
            AddEosToken = config?.Find("add_eos_token")?.Flag(),
            PaddingSide = config?.Find("padding_side") is { } side ? side.Text() switch
            {
                "right" => TextSide.Right,
                "left" => TextSide.Left,
                var other => throw side.Wrong($"found \"{other}\"; left or right is wanted"),
            } : TextSide.Right,
            ChatTemplate = File.Exists(template) ? File.ReadAllText(template) : config?.Find("chat_template") is { } chat ? Template(chat) : null,
            // Absent limits are written as numbers far beyond any text.
            MaxLength = config?.Find("model_max_length") is { } limit && limit.Number() < int.MaxValue ? (int)limit.Number() : null,
        };
    }

    /// <summary>A text, or a list of named ones, of which "default" counts.</summary>
    private static string? Template(JsonKey key)
    {
        if (key.Value.ValueKind != JsonValueKind.Array) return key.Text();
        foreach (var entry in key.Items())
            if (entry["name"].Text() == "default") return entry["template"].Text();
        return null;
    }

    internal static JsonKey? Root(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        if (!File.Exists(path)) return null;
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return new JsonKey(document.RootElement.Clone(), path, "");
        }
        catch (JsonException e)
        {
            throw new TokenizerException(path, $"line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}", "not JSON", e);
        }
    }
}
