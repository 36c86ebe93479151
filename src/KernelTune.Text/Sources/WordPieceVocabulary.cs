using System.Text;
using KernelTune.Text.Pipeline;

namespace KernelTune.Text.Sources;

/// <summary>vocab.txt: a WordPiece token a line, its id the line's number. What is built around it is what transformers' converters build for BERT and its relatives.</summary>
internal static class WordPieceVocabulary
{
    /// <exception cref="TokenizerException">A line is not UTF-8 or comes twice: which.</exception>
    /// <exception cref="TokenizerNotSupportedException">The family is another than those of BERT's kind.</exception>
    public static (TokenizerSketch Sketch, TokenizerConfig Config) Read(ReadOnlySpan<byte> text, string file, TokenizerConfig config, VocabularyOptions options)
    {
        string[] tokens = Lines(text, file);
        bool mpnet = options.Family == "MPNet";
        config = options.Family switch
        {
            null or "Bert" or "DistilBert" or "Electra" or "MobileBert" or "Lxmert" or "Funnel" or "LayoutLM" or "ConvBert" or "Retribert" or "SqueezeBert" => Filled(config, "[CLS]", "[SEP]", "[PAD]", "[MASK]"),
            "MPNet" => Filled(config, "<s>", "</s>", "<pad>", "<mask>"),
            var other => throw new TokenizerNotSupportedException(file, "tokenizer_class", $"the family \"{other}\" is not known to read vocab.txt; Bert and MPNet are"),
        };
        if (!tokens.Contains(config.UnknownToken)) throw new TokenizerException(file, "", $"the unknown token \"{config.UnknownToken}\" is not among the {tokens.Length} tokens");
        var special = new SpecialTokens(tokens, config, options.AddedTokens, maskStrips: mpnet);
        string cls = config.ClsToken!, sep = config.SepToken!;
        string strip = options.StripAccents is { } s ? Flag(s) : "null";
        return (new TokenizerSketch
        {
            Model = new WordPieceSketch(tokens, config.UnknownToken!),
            Added = special.All,
            Normalizer = $$"""{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":{{Flag(options.ChineseCharacters)}},"strip_accents":{{strip}},"lowercase":{{Flag(options.Lowercase ?? true)}}}""",
            PreTokenizer = """{"type":"BertPreTokenizer"}""",
            PostProcessor = special.Template([cls, "$A", sep], mpnet ? [cls, "$A", sep, sep, "$B:1", sep + ":1"] : [cls, "$A", sep, "$B:1", sep + ":1"]),
            Decoder = """{"type":"WordPiece","prefix":"##","cleanup":true}""",
        }, config);
    }

    private static TokenizerConfig Filled(TokenizerConfig config, string cls, string sep, string pad, string mask) => config with
    {
        ClsToken = config.ClsToken ?? cls,
        SepToken = config.SepToken ?? sep,
        PadToken = config.PadToken ?? pad,
        MaskToken = config.MaskToken ?? mask,
        UnknownToken = config.UnknownToken ?? "[UNK]",
    };

    private static string[] Lines(ReadOnlySpan<byte> text, string file)
    {
        string all;
        try
        {
            all = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(text.StartsWith("\uFEFF"u8) ? text[3..] : text);
        }
        catch (DecoderFallbackException e)
        {
            throw new TokenizerException(file, "", $"byte {e.Index} is not valid UTF-8", e);
        }
        string[] lines = all.Split('\n');
        if (lines[^1].Length == 0) lines = lines[..^1];
        if (lines.Length == 0) throw new TokenizerException(file, "", "there are no tokens");
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < lines.Length; i++)
        {
            lines[i] = lines[i].TrimEnd('\r');
            if (!seen.TryAdd(lines[i], i)) throw new TokenizerException(file, $"line {i + 1}", $"the token \"{lines[i]}\" stands in line {seen[lines[i]] + 1} already");
        }
        return lines;
    }

    private static string Flag(bool value) => value ? "true" : "false";
}
