using System.Globalization;
using KernelTune.Text.Pipeline;

namespace KernelTune.Text.Gguf;

/// <summary>Describes the tokenizer of a GGUF file (llama.cpp's <c>tokenizer.ggml.*</c> keys) as a tokenizer.json would. What a file leaves out is what llama.cpp takes for its kind (llama_vocab::impl::load):
/// llama begins texts with the token 1 and puts a space before them, t5 ends them with the token 1 and neither puts a space before them nor removes any, bert frames them whatever the flags say,
/// gpt2 adds nothing unless its splitting rules are of a family that does. A gpt2 file that names no bos or eos token has none: the 11 that llama.cpp then takes is Falcon's.</summary>
internal sealed class GgufTokenizer(IReadOnlyDictionary<string, object> metadata, string file)
{
    private const int Unknown = 2, Control = 3, UserDefined = 4;
    private const string Prefix = "tokenizer.ggml.";

    private string kind = "";

    public (TokenizerSketch Sketch, TokenizerConfig Config) Read()
    {
        string[] tokens = Array<string>("tokens") ?? throw Missing("tokens");
        if (tokens.Length == 0) throw Wrong("tokens", "there are none");
        RefuseDuplicates(tokens);
        kind = Text("model") ?? throw Missing("model");
        int[] types = Integers("token_type") ?? [];
        if (types.Length != 0 && types.Length != tokens.Length) throw Wrong("token_type", $"{types.Length} types stand beside {tokens.Length} tokens");
        var added = new List<AddedToken>();
        for (int id = 0; id < types.Length; id++)
            if (types[id] is Unknown or Control or UserDefined) added.Add(new AddedToken { Id = id, Content = tokens[id], Special = types[id] != UserDefined });

        var (sketch, begins, ends) = kind switch
        {
            "gpt2" => ByteLevel(tokens, added),
            "llama" => SentencePiece(tokens, added),
            "bert" => WordPiece(tokens, added),
            "t5" => Unigram(tokens, added),
            _ => throw new TokenizerNotSupportedException(file, Prefix + "model", $"the model \"{kind}\" is not supported; gpt2, llama, bert and t5 are"),
        };
        return (sketch, new TokenizerConfig
        {
            BosToken = TokenOf("bos_token_id", tokens)?.Content,
            EosToken = TokenOf("eos_token_id", tokens)?.Content,
            PadToken = TokenOf("padding_token_id", tokens)?.Content,
            UnknownToken = TokenOf("unknown_token_id", tokens)?.Content,
            ClsToken = kind == "bert" ? (TokenOf("cls_token_id", tokens) ?? TokenOf("bos_token_id", tokens))?.Content : null,
            SepToken = kind == "bert" ? (TokenOf("seperator_token_id", tokens) ?? TokenOf("eos_token_id", tokens))?.Content : null,
            MaskToken = TokenOf("mask_token_id", tokens)?.Content,
            AddBosToken = begins,
            AddEosToken = ends,
            ChatTemplate = metadata.GetValueOrDefault("tokenizer.chat_template") as string,
        });
    }

    private (TokenizerSketch Sketch, bool Begins, bool Ends) ByteLevel(string[] tokens, List<AddedToken> added)
    {
        string pre = Text("pre") ?? throw Wrong("pre", "the key is missing: without it the rules by which the text is split are not known");
        var rules = GgufPreTokenizer.Named(pre) ?? throw new TokenizerNotSupportedException(file, Prefix + "pre", $"the splitting rules \"{pre}\" are not supported");
        string[] lines = Array<string>("merges") ?? throw Missing("merges");
        var merges = new (string, string)[lines.Length];
        for (int i = 0; i < lines.Length; i++)
        {
            // The first character may be a space only in files of other kinds: here each byte has a printable stand-in.
            int space = lines[i].IndexOf(' ', StringComparison.Ordinal);
            if (space <= 0 || space != lines[i].LastIndexOf(' ') || space == lines[i].Length - 1) throw Wrong($"merges[{i}]", $"found \"{lines[i]}\", two tokens with one space between them are wanted");
            merges[i] = (lines[i][..space], lines[i][(space + 1)..]);
        }
        var around = Around(tokens, rules.AddBos);
        return (new TokenizerSketch
        {
            Model = new BpeSketch(tokens, merges) { IgnoreMerges = rules.IgnoreMerges },
            Added = added,
            Normalizer = rules.Normalizer,
            PreTokenizer = rules.Json,
            Decoder = """{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}""",
            PostProcessor = around.Json,
        }, around.Begins, around.Ends);
    }

    private (TokenizerSketch Sketch, bool Begins, bool Ends) SentencePiece(string[] tokens, List<AddedToken> added)
    {
        float[] scores = Array<float>("scores") ?? throw Missing("scores");
        if (scores.Length != tokens.Length) throw Wrong("scores", $"{scores.Length} scores stand beside {tokens.Length} tokens");
        const string Spaces = """{"type":"Replace","pattern":{"String":" "},"content":"▁"}""";
        bool prefix = Flag("add_space_prefix", true);
        string strip = prefix ? """,{"type":"Strip","content":" ","start":1,"stop":0}""" : "";
        var around = Around(tokens, bos: true);
        return (new TokenizerSketch
        {
            Model = new BpeSketch(tokens, ScoredMerges.Find(tokens, scores)) { UnknownToken = TokenOf("unknown_token_id", tokens)?.Content ?? tokens[0], FuseUnknown = true, ByteFallback = true },
            Added = added,
            Normalizer = prefix ? $$"""{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{{Spaces}}]}""" : Spaces,
            Decoder = $$$"""{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"}{{{strip}}}]}""",
            PostProcessor = around.Json,
        }, around.Begins, around.Ends);
    }

    /// <summary>WordPiece as llama.cpp stores it: ▁ where a word begins, nothing where the original has ##.</summary>
    private (TokenizerSketch Sketch, bool Begins, bool Ends) WordPiece(string[] tokens, List<AddedToken> added)
    {
        var names = added.Select(t => t.Content).ToHashSet(StringComparer.Ordinal);
        string[] restored = [.. tokens.Select(t => names.Contains(t) || t.StartsWith('[') && t.EndsWith(']') ? t : t.StartsWith('▁') ? t[1..] : "##" + t)];
        string cls = (TokenOf("cls_token_id", tokens) ?? TokenOf("bos_token_id", tokens) ?? throw Missing("cls_token_id")).Content;
        string sep = (TokenOf("seperator_token_id", tokens) ?? TokenOf("eos_token_id", tokens) ?? throw Missing("seperator_token_id")).Content;
        AddedToken[] around = [.. new[] { cls, sep }.Select(t => new AddedToken { Id = System.Array.IndexOf(tokens, t), Content = t })];
        return (new TokenizerSketch
        {
            Model = new WordPieceSketch(restored, TokenOf("unknown_token_id", tokens)?.Content ?? throw Missing("unknown_token_id")),
            Added = added,
            Normalizer = """{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true}""",
            PreTokenizer = """{"type":"BertPreTokenizer"}""",
            PostProcessor = TemplateSketch.Json([cls, "$A", sep], [cls, "$A", sep, "$B:1", sep + ":1"], around),
            Decoder = """{"type":"WordPiece","prefix":"##","cleanup":true}""",
        }, true, true);
    }

    private (TokenizerSketch Sketch, bool Begins, bool Ends) Unigram(string[] tokens, List<AddedToken> added)
    {
        float[] scores = Array<float>("scores") ?? throw Missing("scores");
        if (scores.Length != tokens.Length) throw Wrong("scores", $"{scores.Length} scores stand beside {tokens.Length} tokens");
        int broken = System.Array.FindIndex(scores, s => !float.IsFinite(s));
        if (broken >= 0) throw Wrong("scores", $"the score {broken} is not finite");
        var normalizers = new List<string>();
        if (Array<byte>("precompiled_charsmap") is { Length: > 0 } map) normalizers.Add($$"""{"type":"Precompiled","precompiled_charsmap":"{{Convert.ToBase64String(map)}}"}""");
        if (Flag("remove_extra_whitespaces", false))
            normalizers.AddRange(["""{"type":"Strip","strip_left":false,"strip_right":true}""", """{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"▁"}"""]);
        string marks = $$"""{"type":"Metaspace","replacement":"▁","prepend_scheme":"{{(Flag("add_space_prefix", false) ? "always" : "never")}}","split":true}""";
        var around = Around(tokens, bos: false, eos: true);
        return (new TokenizerSketch
        {
            Model = new UnigramSketch([.. tokens.Zip(scores, (t, s) => (t, (double)s))], TokenOf("unknown_token_id", tokens)?.Id),
            Added = added,
            Normalizer = TokenizerSketch.Sequence("normalizers", normalizers),
            PreTokenizer = marks,
            PostProcessor = around.Json,
            Decoder = marks,
        }, around.Begins, around.Ends);
    }

    private (string? Json, bool Begins, bool Ends) Around(string[] tokens, bool bos, bool eos = false) => TemplateSketch.Around(
        Flag("add_bos_token", bos) ? TokenOf("bos_token_id", tokens) ?? throw Missing("bos_token_id") : null,
        Flag("add_eos_token", eos) ? TokenOf("eos_token_id", tokens) ?? throw Missing("eos_token_id") : null);

    private void RefuseDuplicates(string[] tokens)
    {
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < tokens.Length; id++)
            if (!seen.TryAdd(tokens[id], id)) throw Wrong("tokens", $"the ids {seen[tokens[id]]} and {id} have the same token \"{tokens[id]}\"");
    }

    /// <summary>The id that llama.cpp takes where the file names none; null for none.</summary>
    private int? Default(string key) => (kind, key) switch
    {
        ("llama", "bos_token_id") => 1,
        ("llama", "eos_token_id") => 2,
        ("llama", "unknown_token_id") => 0,
        ("t5", "eos_token_id") => 1,
        ("t5", "unknown_token_id") => 2,
        ("t5", "padding_token_id") => 0,
        ("bert", "cls_token_id") when !metadata.ContainsKey(Prefix + "bos_token_id") => 101,
        ("bert", "seperator_token_id") when !metadata.ContainsKey(Prefix + "eos_token_id") => 102,
        ("bert", "unknown_token_id") => 100,
        ("bert", "padding_token_id") => 0,
        ("bert", "mask_token_id") => 103,
        _ => null,
    };

    private AddedToken? TokenOf(string key, string[] tokens)
    {
        if (!metadata.TryGetValue(Prefix + key, out object? value))
            return Default(key) is { } usual && usual < tokens.Length ? new AddedToken { Id = usual, Content = tokens[usual], Special = true } : null;
        long id = Convert.ToInt64(value is byte or sbyte or ushort or short or uint or int or long ? value : throw Wrong(key, $"found {value}, a whole number is wanted"), CultureInfo.InvariantCulture);
        return id >= 0 && id < tokens.Length ? new AddedToken { Id = (int)id, Content = tokens[id], Special = true }
            : throw Wrong(key, $"found {id}, but there are {tokens.Length} tokens");
    }

    private string? Text(string key) => metadata.GetValueOrDefault(Prefix + key) switch
    {
        null => null,
        string text => text,
        var other => throw Wrong(key, $"found {other.GetType().Name}, a string is wanted"),
    };

    private bool Flag(string key, bool otherwise) => metadata.GetValueOrDefault(Prefix + key) switch
    {
        null => otherwise,
        bool flag => flag,
        var other => throw Wrong(key, $"found {other.GetType().Name}, true or false is wanted"),
    };

    private T[]? Array<T>(string key) => metadata.GetValueOrDefault(Prefix + key) switch
    {
        null => null,
        T[] array => array,
        var other => throw Wrong(key, $"found {other.GetType().Name}, an array of {typeof(T).Name} is wanted"),
    };

    private int[]? Integers(string key) => metadata.GetValueOrDefault(Prefix + key) switch
    {
        null => null,
        int[] numbers => numbers,
        uint[] numbers => [.. numbers.Select(n => (int)n)],
        var other => throw Wrong(key, $"found {other.GetType().Name}, an array of whole numbers is wanted"),
    };

    private TokenizerException Missing(string key) => Wrong(key, "the key is missing");

    private TokenizerException Wrong(string key, string problem) => new(file, Prefix + key, problem);
}
