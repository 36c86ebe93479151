using System.Globalization;
using KernelTune.Text.Gguf;
using KernelTune.Text.Pipeline;

namespace KernelTune.Text.Sources;

/// <summary>A SentencePiece model as a tokenizer.json: what transformers' converters make of it, family by family; without a family what the model itself says.</summary>
internal sealed class SentencePieceTokenizer(SentencePieceModel model, string file, TokenizerConfig given, VocabularyOptions options)
{
    private const string SpacesToMarks = """{"type":"Replace","pattern":{"String":" "},"content":"▁"}""";
    private const string StripRight = """{"type":"Strip","strip_left":false,"strip_right":true}""";
    private const string ManyToMark = """{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"▁"}""";
    private const string ManyToOne = """{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}""";
    private const string Quotes = """{"type":"Replace","pattern":{"String":"``"},"content":"\""},{"type":"Replace","pattern":{"String":"''"},"content":"\""}""";

    private static readonly string[] Lower = ["""{"type":"Lowercase"}"""];

    /// <exception cref="TokenizerException">The model contradicts itself.</exception>
    /// <exception cref="TokenizerNotSupportedException">The model or the family is of a kind that is not built in.</exception>
    public (TokenizerSketch Sketch, TokenizerConfig Config) Read() => (options.Family, model.ModelType) switch
    {
        (null or "Llama" or "CodeLlama" or "Gemma", SentencePieceModel.Bpe) => MergedPieces(),
        (null or "T5" or "XLMRoberta" or "Albert" or "XLNet", SentencePieceModel.Unigram) => ScoredPieces(),
        (var family, SentencePieceModel.Bpe or SentencePieceModel.Unigram) => throw new TokenizerNotSupportedException(file, "tokenizer_class",
            $"the family \"{family}\" is not known to read a SentencePiece model of this type; Llama and Gemma (BPE), T5, XLMRoberta, Albert and XLNet (Unigram) are"),
        (_, var type) => throw new TokenizerNotSupportedException(file, "trainer_spec.model_type", $"the type {type} is not supported; 1 (Unigram) and 2 (BPE) are"),
    };

    private string Map => $$"""{"type":"Precompiled","precompiled_charsmap":"{{Convert.ToBase64String(model.CharacterMap)}}"}""";

    /// <summary>The tokens that the model itself names.</summary>
    private TokenizerConfig Named => given with
    {
        BosToken = given.BosToken ?? Control(model.BosId),
        EosToken = given.EosToken ?? Control(model.EosId),
        PadToken = given.PadToken ?? Control(model.PadId),
        UnknownToken = given.UnknownToken ?? model.TextOf(model.UnknownId),
    };

    private string? Control(int id) => id >= 0 && id < model.Pieces.Count && model.Pieces[id].Kind == PieceKind.Control ? model.Pieces[id].Text : null;

    private (TokenizerSketch, TokenizerConfig) MergedPieces()
    {
        var config = Named;
        string[] tokens = [.. model.Pieces.Select(p => p.Text)];
        bool gemma = options.Family == "Gemma", llama = options.Family is not null && !gemma;
        // Control and user-defined pieces are never put together from others.
        var whole = model.Pieces.Where(p => p.Kind is PieceKind.Control or PieceKind.UserDefined or PieceKind.Unknown).Select(p => p.Text).ToHashSet(StringComparer.Ordinal);
        var merges = ScoredMerges.Find(tokens, [.. model.Pieces.Select(p => p.Score)]);
        bool prefix = llama ? options.AddPrefixSpace ?? true : !gemma && model.AddDummyPrefix, legacy = options.Legacy || !llama;
        var special = new SpecialTokens(tokens, config, Added(tokens));
        var normalizers = new List<string>();
        if (!llama && !gemma && model.CharacterMap.Length > 0) normalizers.Add(Map);
        if (!llama && !gemma && model.RemoveExtraWhitespaces) normalizers.AddRange(["""{"type":"Strip","strip_left":true,"strip_right":true}""", ManyToOne]);
        if (prefix && legacy) normalizers.Add("""{"type":"Prepend","prepend":"▁"}""");
        if (legacy) normalizers.Add(SpacesToMarks);
        string strip = prefix ? """,{"type":"Strip","content":" ","start":1,"stop":0}""" : "";
        bool bos = config.AddBosToken ?? true, eos = config.AddEosToken ?? false;
        return (new TokenizerSketch
        {
            Model = new BpeSketch(tokens, [.. merges.Where(m => !whole.Contains(m.Left) && !whole.Contains(m.Right) && !whole.Contains(m.Left + m.Right))])
            {
                UnknownToken = model.TextOf(model.UnknownId), FuseUnknown = true, ByteFallback = llama || gemma || model.ByteFallback,
            },
            Added = special.All,
            Normalizer = TokenizerSketch.Sequence("normalizers", normalizers),
            PreTokenizer = gemma ? """{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious","invert":false}"""
                : legacy ? null : $$"""{"type":"Metaspace","replacement":"▁","prepend_scheme":"{{(prefix ? "first" : "never")}}","split":false}""",
            PostProcessor = TemplateSketch.Around(bos ? special.Find(config.BosToken) : null, eos ? special.Find(config.EosToken) : null).Json,
            Decoder = $$$"""{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"}{{{strip}}}]}""",
        }, config with { AddBosToken = bos, AddEosToken = eos });
    }

    private (TokenizerSketch, TokenizerConfig) ScoredPieces()
    {
        var pieces = model.Pieces.Select(p => (p.Text, (double)p.Score)).ToList();
        int unknown = model.UnknownId;
        var config = Named;
        List<string> normalizers = model.CharacterMap.Length > 0 ? [Map] : [];
        string split = """{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}""";
        string marks = split;
        IReadOnlyList<AddedToken> added = [];
        Func<SpecialTokens, string?> around;
        switch (options.Family)
        {
            case "T5":
                config = config with { BosToken = given.BosToken, EosToken = config.EosToken ?? "</s>", PadToken = config.PadToken ?? "<pad>" };
                normalizers.AddRange([StripRight, ManyToMark]);
                added = [.. Enumerable.Range(0, options.ExtraIds).Select(i => new AddedToken
                {
                    Id = pieces.Count + i, Content = string.Create(CultureInfo.InvariantCulture, $"<extra_id_{options.ExtraIds - 1 - i}>"), Special = true, LeftStrip = true, RightStrip = true,
                })];
                pieces.AddRange(added.Select(t => (t.Content, 0.0)));
                around = s => s.Template(["$A", config.EosToken!], ["$A", config.EosToken!, "$B", config.EosToken!]);
                break;
            case "XLMRoberta":
                // fairseq put its own four tokens before the pieces, in place of the model's first three.
                pieces = [("<s>", 0), ("<pad>", 0), ("</s>", 0), ("<unk>", 0), .. pieces.Skip(3), ("<mask>", 0)];
                unknown = 3;
                config = Framed(given, "<s>", "</s>", "<s>", "</s>", "<pad>", "<unk>", "<mask>");
                normalizers.Add(ManyToOne);
                split = $$"""{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{{marks}}]}""";
                around = s => s.Template([config.ClsToken!, "$A", config.SepToken!], [config.ClsToken!, "$A", config.SepToken!, config.SepToken!, "$B", config.SepToken!]);
                break;
            case "Albert":
                config = Framed(given, "[CLS]", "[SEP]", "[CLS]", "[SEP]", "<pad>", "<unk>", "[MASK]");
                List<string> accents = options.KeepAccents ? [] : ["""{"type":"NFKD"}""", """{"type":"StripAccents"}"""];
                normalizers = [Quotes, .. accents, .. options.Lowercase ?? true ? Lower : [], .. normalizers, ManyToOne];
                split = $$"""{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{{marks}}]}""";
                around = s => s.Template([config.ClsToken!, "$A", config.SepToken!], [config.ClsToken!, "$A", config.SepToken!, "$B:1", config.SepToken! + ":1"]);
                break;
            case "XLNet":
                config = Framed(given, "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<unk>", "<mask>") with { PaddingSide = TextSide.Left };
                accents = options.KeepAccents ? [] : ["""{"type":"NFKD"}""", """{"type":"StripAccents"}"""];
                normalizers = [Quotes, .. accents, .. options.Lowercase ?? false ? Lower : [], .. normalizers, ManyToOne];
                around = s => s.Template(["$A", config.SepToken!, config.ClsToken! + ":2"], ["$A", config.SepToken!, "$B:1", config.SepToken! + ":1", config.ClsToken! + ":2"]);
                break;
            default:
                if (model.RemoveExtraWhitespaces) normalizers.AddRange([StripRight, ManyToMark]);
                if (!model.AddDummyPrefix) split = split.Replace("always", "never", StringComparison.Ordinal);
                around = s => TemplateSketch.Around(config.AddBosToken == true ? s.Find(config.BosToken) : null, config.AddEosToken == true ? s.Find(config.EosToken) : null).Json;
                break;
        }
        string[] tokens = [.. pieces.Select(p => p.Text)];
        var special = new SpecialTokens(tokens, config, [.. added.Concat(Added(tokens)).DistinctBy(t => t.Content)], maskStrips: options.Family is not null);
        return (new TokenizerSketch
        {
            Model = new UnigramSketch(pieces, unknown >= 0 && unknown < pieces.Count ? unknown : null) { ByteFallback = options.Family is null && model.ByteFallback },
            Added = special.All,
            Normalizer = normalizers.Count == 0 ? null : $$"""{"type":"Sequence","normalizers":[{{string.Join(',', normalizers)}}]}""",
            PreTokenizer = split,
            PostProcessor = around(special),
            Decoder = model.AddDummyPrefix || options.Family is not null ? marks : split,
        }, config);
    }

    private static TokenizerConfig Framed(TokenizerConfig config, string bos, string eos, string cls, string sep, string pad, string unknown, string mask) => config with
    {
        BosToken = config.BosToken ?? bos, EosToken = config.EosToken ?? eos, ClsToken = config.ClsToken ?? cls, SepToken = config.SepToken ?? sep,
        PadToken = config.PadToken ?? pad, UnknownToken = config.UnknownToken ?? unknown, MaskToken = config.MaskToken ?? mask,
    };

    /// <summary>Control pieces are special tokens, user-defined ones are added tokens; the options' own come before them.</summary>
    private List<AddedToken> Added(string[] tokens)
    {
        var added = options.AddedTokens.ToList();
        foreach (var piece in model.Pieces)
        {
            if (piece.Kind is not (PieceKind.Control or PieceKind.UserDefined) || added.Any(t => t.Content == piece.Text)) continue;
            if (Array.IndexOf(tokens, piece.Text) is var id and >= 0) added.Add(new AddedToken { Id = id, Content = piece.Text, Special = piece.Kind == PieceKind.Control });
        }
        return added;
    }
}
