using System.Globalization;
using KernelTune.Text.Pipeline;

namespace KernelTune.Text;

/// <summary>How a vocabulary that comes without a tokenizer.json is meant: what tokenizer_config.json says beside the special tokens.</summary>
public sealed record VocabularyOptions
{
    /// <summary>The family, by its class in Hugging Face's transformers ("BertTokenizer", with or without "Fast"); null: the plainest that reads such files.</summary>
    public string? TokenizerClass { get; init; }

    /// <summary>Lower case (BERT, ALBERT); null: as the family has it.</summary>
    public bool? Lowercase { get; init; }

    /// <summary>Chinese characters are words by themselves (BERT).</summary>
    public bool ChineseCharacters { get; init; } = true;

    /// <summary>Accents go (BERT); null: where the case is lowered.</summary>
    public bool? StripAccents { get; init; }

    /// <summary>Accents stay (ALBERT).</summary>
    public bool KeepAccents { get; init; }

    /// <summary>A text that does not begin with a space gets one; null: as the family has it.</summary>
    public bool? AddPrefixSpace { get; init; }

    /// <summary>Llama's older way with the space that begins a text: before each part between special tokens, not only before the first.</summary>
    public bool Legacy { get; init; } = true;

    /// <summary>How many sentinels follow T5's vocabulary.</summary>
    public int ExtraIds { get; init; } = 100;

    /// <summary>Tokens beside the vocabulary, with their ids and flags.</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; init; } = [];

    /// <exception cref="TokenizerException">A value of another kind than is wanted: file and key.</exception>
    internal static VocabularyOptions Read(string folder)
    {
        var options = new VocabularyOptions();
        if (TokenizerConfig.Root(folder, "tokenizer_config.json") is { } config)
        {
            options = options with
            {
                TokenizerClass = config.Find("tokenizer_class")?.Text(),
                Lowercase = config.Find("do_lower_case")?.Flag(),
                ChineseCharacters = config.Flag("tokenize_chinese_chars", true),
                StripAccents = config.Find("strip_accents")?.Flag(),
                KeepAccents = config.Flag("keep_accents", false),
                AddPrefixSpace = config.Find("add_prefix_space")?.Flag(),
                Legacy = config.Flag("legacy", true),
                ExtraIds = config.Find("extra_ids")?.NotNegative() ?? 100,
                AddedTokens = config.Find("added_tokens_decoder") is { } added ? [.. added.Members().Select(m => Token(m.Name, m.Value))] : [],
            };
        }
        if (options.AddedTokens.Count == 0 && TokenizerConfig.Root(folder, "added_tokens.json") is { } list)
            options = options with { AddedTokens = [.. list.Members().Select(m => new AddedToken { Id = m.Value.NotNegative(), Content = m.Name })] };
        return options;
    }

    /// <summary>The family without "Tokenizer" and "Fast".</summary>
    internal string? Family => TokenizerClass?.Replace("Fast", "", StringComparison.Ordinal).Replace("Tokenizer", "", StringComparison.Ordinal) is { Length: > 0 } name && name != "PreTrained" ? name : null;

    private static AddedToken Token(string id, JsonKey key) => new()
    {
        Id = int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw key.Wrong($"the key \"{id}\" is no id"),
        Content = key["content"].Text(),
        SingleWord = key.Flag("single_word", false),
        LeftStrip = key.Flag("lstrip", false),
        RightStrip = key.Flag("rstrip", false),
        Normalized = key.Flag("normalized", !key.Flag("special", false)),
        Special = key.Flag("special", false),
    };
}
