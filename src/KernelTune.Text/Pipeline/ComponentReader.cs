using KernelTune.Text.Decoders;
using KernelTune.Text.Normalizers;
using KernelTune.Text.PostProcessors;
using KernelTune.Text.PreTokenizers;

namespace KernelTune.Text.Pipeline;

/// <summary>Reads the parts of a tokenizer.json, each of which names its type.</summary>
internal static class ComponentReader
{
    public static Normalizer Normalizer(JsonKey key) => key["type"].Text() switch
    {
        "NFC" => new UnicodeForm(compose: true, compatible: false),
        "NFD" => new UnicodeForm(compose: false, compatible: false),
        "NFKC" => new UnicodeForm(compose: true, compatible: true),
        "NFKD" => new UnicodeForm(compose: false, compatible: true),
        "Lowercase" => new Lowercase(),
        "Strip" => new Strip(key.Flag("strip_left", true), key.Flag("strip_right", true)),
        "StripAccents" => new StripAccents(),
        "Prepend" => new Prepend(key["prepend"].Text()),
        "Replace" => new Replace(PatternKey.Read(key["pattern"]), key["content"].Text()),
        "ByteLevel" => new ByteLevelNormalizer(),
        "Nmt" => new Nmt(),
        "Bert" or "BertNormalizer" => Bert(key),
        "Sequence" => new NormalizerSequence([.. key["normalizers"].Items().Select(Normalizer)]),
        "Precompiled" => Precompiled.Read(key["precompiled_charsmap"]),
        var type => throw Unknown(key, "normalizer", type),
    };

    public static PreTokenizer PreTokenizer(JsonKey key) => key["type"].Text() switch
    {
        "ByteLevel" => new ByteLevel(key.Flag("add_prefix_space", true), key.Flag("use_regex", true), spell: true),
        "Split" => Split(key),
        "Digits" => CharacterSplit.Digits(key.Flag("individual_digits", false)),
        "Metaspace" => Metaspace(key),
        "Whitespace" => new Whitespace(),
        "WhitespaceSplit" => CharacterSplit.WhiteSpace(),
        "Punctuation" => CharacterSplit.Punctuation(key.Find("behavior") is { } behavior ? Behavior(behavior) : SplitBehavior.Isolated),
        "BertPreTokenizer" => CharacterSplit.Bert(),
        "CharDelimiterSplit" => CharacterSplit.Delimiter(key["delimiter"].Character()),
        "FixedLength" => new FixedLength(key.Find("length") is { } length && length.Integer() is var n ? (n > 0 ? n : throw length.Wrong($"found {n}, a number above 0 is wanted")) : 5),
        "UnicodeScripts" => new UnicodeScripts(),
        "Sequence" => new PreTokenizerSequence([.. key["pretokenizers"].Items().Select(PreTokenizer)]),
        var type => throw Unknown(key, "pre-tokenizer", type),
    };

    public static PostProcessor PostProcessor(JsonKey key) => key["type"].Text() switch
    {
        "ByteLevel" => new ByteLevelProcessing(key.Flag("trim_offsets", true), key.Flag("add_prefix_space", true)),
        "BertProcessing" => new BertProcessing(Special(key["sep"]), Special(key["cls"])),
        "RobertaProcessing" => new RobertaProcessing(Special(key["sep"]), Special(key["cls"]), key.Flag("trim_offsets", true), key.Flag("add_prefix_space", true)),
        "TemplateProcessing" => new TemplateProcessing(Template(key["single"], key), Template(key["pair"], key)),
        "Sequence" => new ProcessorSequence([.. key["processors"].Items().Select(PostProcessor)]),
        var type => throw Unknown(key, "post-processor", type),
    };

    public static Decoder Decoder(JsonKey key) => key["type"].Text() switch
    {
        "ByteLevel" => new ByteLevelDecoder(),
        "ByteFallback" => new ByteFallbackDecoder(),
        "Fuse" => new Fuse(),
        "Strip" => new StripDecoder(key["content"].Character(), key["start"].NotNegative(), key["stop"].NotNegative()),
        "Replace" => new ReplaceDecoder(PatternKey.Read(key["pattern"]), key["content"].Text()),
        "Metaspace" => new MetaspaceDecoder(Mark(key), Scheme(key) != PrependScheme.Never),
        "BPEDecoder" => new BpeDecoder(key.Find("suffix")?.Text() ?? "</w>"),
        "WordPiece" => new WordPieceDecoder(key.Find("prefix")?.Text() ?? "##", key.Flag("cleanup", true)),
        "CTC" => new CtcDecoder(key["pad_token"].Text(), key["word_delimiter_token"].Text(), key.Flag("cleanup", true)),
        "Sequence" => new DecoderSequence([.. key["decoders"].Items().Select(Decoder)]),
        var type => throw Unknown(key, "decoder", type),
    };

    private static TokenizerException Unknown(JsonKey key, string kind, string type) =>
        key["type"].Wrong($"\"{type}\" is no {kind} that is known; leaving it out would change the tokens");

    private static BertNormalizer Bert(JsonKey key)
    {
        bool lowercase = key.Flag("lowercase", true);
        return new BertNormalizer(key.Flag("clean_text", true), key.Flag("handle_chinese_chars", true), key.Flag("strip_accents", lowercase), lowercase);
    }

    private static PatternSplit Split(JsonKey key) => new(PatternKey.Read(key["pattern"], key.Flag("invert", false)), Behavior(key["behavior"]));

    private static SplitBehavior Behavior(JsonKey key) => key.Text() switch
    {
        "Removed" => SplitBehavior.Removed,
        "Isolated" => SplitBehavior.Isolated,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        "Contiguous" => SplitBehavior.Contiguous,
        var other => throw key.Wrong($"found \"{other}\"; Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous is wanted"),
    };

    private static Metaspace Metaspace(JsonKey key) => new(Mark(key), Scheme(key), key.Flag("split", true));

    private static int Mark(JsonKey key) => key.Find("replacement")?.Character() ?? '▁';

    /// <summary>prepend_scheme, or what older files wrote for it.</summary>
    private static PrependScheme Scheme(JsonKey key)
    {
        bool prefix = key.Flag("add_prefix_space", true);
        if (key.Find("prepend_scheme") is not { } scheme) return prefix ? PrependScheme.Always : PrependScheme.Never;
        var found = scheme.Text() switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            var other => throw scheme.Wrong($"found \"{other}\"; always, first or never is wanted"),
        };
        return prefix || found == PrependScheme.Never ? found : throw scheme.Wrong("add_prefix_space is false, so \"never\" is wanted");
    }

    /// <summary>["token", id], in either order.</summary>
    private static SpecialToken Special(JsonKey key)
    {
        var parts = key.Items().ToList();
        if (parts.Count != 2) throw key.Wrong("a token and its id are wanted");
        return parts[0].Value.ValueKind == System.Text.Json.JsonValueKind.Number ? new SpecialToken(parts[1].Text(), parts[0].NotNegative()) : new SpecialToken(parts[0].Text(), parts[1].NotNegative());
    }

    private static List<TemplatePart> Template(JsonKey key, JsonKey processor)
    {
        var parts = new List<TemplatePart>();
        foreach (var item in key.Items())
        {
            if (item.Find("Sequence") is { } sequence)
            {
                int index = sequence["id"].Text() switch { "A" => 0, "B" => 1, var other => throw sequence["id"].Wrong($"found \"{other}\"; A or B is wanted") };
                if (index == 1 && key.Path.EndsWith("single", StringComparison.Ordinal)) throw sequence["id"].Wrong("the template of a single text has no sequence B");
                parts.Add(new TemplatePart(index, [], sequence["type_id"].NotNegative()));
                continue;
            }
            var special = item.Find("SpecialToken") ?? throw item.Wrong("a Sequence or a SpecialToken is wanted");
            string name = special["id"].Text();
            var table = processor["special_tokens"];
            var entry = table.Find(name) ?? throw special["id"].Wrong($"\"{name}\" is not among the special_tokens");
            var ids = entry["ids"].Items().Select(i => i.NotNegative()).ToList();
            var tokens = entry["tokens"].Items().Select(t => t.Text()).ToList();
            if (ids.Count != tokens.Count) throw entry.Wrong($"{ids.Count} ids stand beside {tokens.Count} tokens");
            parts.Add(new TemplatePart(-1, [.. ids.Zip(tokens, (id, token) => new SpecialToken(token, id))], special["type_id"].NotNegative()));
        }
        return parts;
    }
}
