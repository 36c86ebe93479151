using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace KernelTune.Text;

/// <summary>The files of a folder that a tokenizer is, under Hugging Face's names.</summary>
internal static class TokenizerFolder
{
    public const string Main = "tokenizer.json", ConfigFile = "tokenizer_config.json", MapFile = "special_tokens_map.json", TemplateFile = "chat_template.jinja";

    private const string Templates = "additional_chat_templates";

    private static readonly string[] Names =
    [
        Main, ConfigFile, MapFile, "added_tokens.json", TemplateFile, "chat_template.json",
        "vocab.json", "merges.txt", "vocab.txt", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model",
    ];

    /// <summary>The names of those that are there; further templates with the folder that they lie in.</summary>
    public static IReadOnlyList<string> List(string folder)
    {
        if (!Directory.Exists(folder)) return [];
        string templates = Path.Combine(folder, Templates);
        return
        [
            .. Names.Where(n => File.Exists(Path.Combine(folder, n))),
            .. Directory.EnumerateFiles(folder, "*.tiktoken").Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal),
            .. (Directory.Exists(templates) ? Directory.EnumerateFiles(templates, "*.jinja") : []).Select(p => $"{Templates}/{Path.GetFileName(p)}").Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>All of them but tokenizer.json, as they are.</summary>
    public static Dictionary<string, byte[]> Companions(string folder) => List(folder).Where(n => n != Main).ToDictionary(n => n, n => File.ReadAllBytes(Path.Combine(folder, n)), StringComparer.Ordinal);

    /// <summary>The companions of a tokenizer that was built, not read from tokenizer.json: what it knows and no file says (the tokens that its family or its GGUF file names) is added to
    /// tokenizer_config.json, so that the folder reads back as the same tokenizer. What a file says stays as it is.</summary>
    public static Dictionary<string, byte[]> Completed(IReadOnlyDictionary<string, byte[]> companions, TokenizerConfig config)
    {
        var result = companions.ToDictionary(StringComparer.Ordinal);
        JsonObject? given = Parsed(companions, ConfigFile), map = Parsed(companions, MapFile);
        // The class that reads tokenizer.json as it stands, whatever the model is.
        var written = given is null ? new JsonObject { ["tokenizer_class"] = "PreTrainedTokenizerFast" } : (JsonObject)given.DeepClone();
        bool changed = false;
        void Add(string key, JsonNode? value)
        {
            if (value is null || written[key] is not null || map?[key] is not null) return;
            written[key] = value;
            changed = true;
        }
        Add("bos_token", config.BosToken);
        Add("eos_token", config.EosToken);
        Add("pad_token", config.PadToken);
        Add("unk_token", config.UnknownToken);
        Add("cls_token", config.ClsToken);
        Add("sep_token", config.SepToken);
        Add("mask_token", config.MaskToken);
        Add("add_bos_token", config.AddBosToken);
        Add("add_eos_token", config.AddEosToken);
        Add("model_max_length", config.MaxLength);
        if (config.PaddingSide == TextSide.Left) Add("padding_side", "left");
        if (config.ChatTemplate is { } template && !result.ContainsKey(TemplateFile) && written["chat_template"] is null) result[TemplateFile] = Encoding.UTF8.GetBytes(template);
        if (changed) result[ConfigFile] = Bytes(written);
        return result;
    }

    /// <summary>Of a key that comes twice the later value counts, as for the library.</summary>
    private static JsonObject? Parsed(IReadOnlyDictionary<string, byte[]> companions, string name)
    {
        if (!companions.TryGetValue(name, out byte[]? bytes)) return null;
        using var document = JsonDocument.Parse(bytes);
        var result = new JsonObject();
        foreach (var member in document.RootElement.EnumerateObject()) result[member.Name] = JsonNode.Parse(member.Value.GetRawText());
        return result;
    }

    private static byte[] Bytes(JsonObject json)
    {
        var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" })) json.WriteTo(writer);
        return buffer.ToArray();
    }
}
