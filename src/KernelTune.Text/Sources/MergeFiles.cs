using System.Text;
using KernelTune.Text.Pipeline;

namespace KernelTune.Text.Sources;

/// <summary>vocab.json and merges.txt: GPT-2's two files and those of its relatives. What is built around them is what transformers' converters build for each family.</summary>
internal static class MergeFiles
{
    private const string Bytes = """{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}""";

    /// <exception cref="TokenizerException">A file is broken: which, and where.</exception>
    /// <exception cref="TokenizerNotSupportedException">The family is not known.</exception>
    public static (TokenizerSketch Sketch, TokenizerConfig Config) Read(JsonKey vocabulary, ReadOnlySpan<byte> merges, string mergesFile, TokenizerConfig config, VocabularyOptions options)
    {
        var read = Models.Vocabulary.Read(vocabulary);
        string[] tokens = [.. Enumerable.Range(0, read.Count).Select(id => read[id])];
        var model = new BpeSketch(tokens, Merges(merges, mergesFile));
        string space = Flag(options.AddPrefixSpace ?? false);
        string split = $$"""{"type":"ByteLevel","add_prefix_space":{{space}},"trim_offsets":true,"use_regex":true}""";
        switch (options.Family)
        {
            case null or "GPT2":
            {
                config = config with { BosToken = config.BosToken ?? "<|endoftext|>", EosToken = config.EosToken ?? "<|endoftext|>", UnknownToken = config.UnknownToken ?? "<|endoftext|>" };
                var special = new SpecialTokens(tokens, config, options.AddedTokens);
                return (new TokenizerSketch
                {
                    Model = model,
                    Added = special.All,
                    PreTokenizer = split,
                    PostProcessor = config.AddBosToken == true ? TemplateSketch.Around(special.Find(config.BosToken), null).Json : Trim(space),
                    Decoder = Bytes,
                }, config);
            }
            case "Qwen2":
            {
                config = config with { EosToken = config.EosToken ?? "<|endoftext|>", PadToken = config.PadToken ?? "<|endoftext|>" };
                var special = new SpecialTokens(tokens, config, options.AddedTokens);
                return (new TokenizerSketch
                {
                    Model = model,
                    Added = special.All,
                    Normalizer = """{"type":"NFC"}""",
                    PreTokenizer = SplitPatterns.Then(SplitPatterns.Qwen2, options.AddPrefixSpace ?? false),
                    PostProcessor = Trim("false"),
                    Decoder = Bytes,
                }, config);
            }
            case "Roberta" or "Bart" or "Longformer" or "LED":
            {
                config = config with
                {
                    BosToken = config.BosToken ?? "<s>", EosToken = config.EosToken ?? "</s>", ClsToken = config.ClsToken ?? "<s>", SepToken = config.SepToken ?? "</s>",
                    PadToken = config.PadToken ?? "<pad>", UnknownToken = config.UnknownToken ?? "<unk>", MaskToken = config.MaskToken ?? "<mask>",
                };
                var special = new SpecialTokens(tokens, config, options.AddedTokens, maskStrips: true);
                return (new TokenizerSketch
                {
                    Model = model,
                    Added = special.All,
                    PreTokenizer = split,
                    PostProcessor = $$"""{"type":"RobertaProcessing","sep":{{special.Pair(config.SepToken)}},"cls":{{special.Pair(config.ClsToken)}},"trim_offsets":true,"add_prefix_space":{{space}}}""",
                    Decoder = Bytes,
                }, config);
            }
            case "CLIP":
            {
                config = config with
                {
                    BosToken = config.BosToken ?? "<|startoftext|>", EosToken = config.EosToken ?? "<|endoftext|>", UnknownToken = config.UnknownToken ?? "<|endoftext|>", PadToken = config.PadToken ?? "<|endoftext|>",
                };
                var special = new SpecialTokens(tokens, config, options.AddedTokens);
                return (new TokenizerSketch
                {
                    Model = model with { EndSuffix = "</w>", UnknownToken = config.UnknownToken },
                    Added = special.All,
                    Normalizer = """{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "},{"type":"Lowercase"}]}""",
                    PreTokenizer = $$"""{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":{{TokenizerSketch.Quoted(SplitPatterns.Clip)}}},"behavior":"Removed","invert":true},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}]}""",
                    PostProcessor = $$"""{"type":"RobertaProcessing","sep":{{special.Pair(config.EosToken)}},"cls":{{special.Pair(config.BosToken)}},"trim_offsets":false,"add_prefix_space":false}""",
                    Decoder = Bytes,
                }, config);
            }
            case "OpenAIGPT":
            {
                config = config with { UnknownToken = config.UnknownToken ?? "<unk>" };
                return (new TokenizerSketch
                {
                    Model = model with { EndSuffix = "</w>", UnknownToken = config.UnknownToken },
                    Added = new SpecialTokens(tokens, config, options.AddedTokens).All,
                    Normalizer = """{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true}""",
                    PreTokenizer = """{"type":"BertPreTokenizer"}""",
                    Decoder = """{"type":"BPEDecoder","suffix":"</w>"}""",
                }, config);
            }
            default:
                throw new TokenizerNotSupportedException(vocabulary.File, "tokenizer_class", $"the family \"{options.Family}\" is not known to read vocab.json and merges.txt; GPT2, Qwen2, Roberta, CLIP and OpenAIGPT are");
        }
    }

    private static string Trim(string space) => $$"""{"type":"ByteLevel","add_prefix_space":{{space}},"trim_offsets":false,"use_regex":true}""";

    private static string Flag(bool value) => value ? "true" : "false";

    private static List<(string, string)> Merges(ReadOnlySpan<byte> text, string file)
    {
        var merges = new List<(string, string)>();
        int number = 0;
        foreach (string raw in Encoding.UTF8.GetString(text).Split('\n'))
        {
            number++;
            string line = raw.TrimEnd('\r');
            if (line.Length == 0 || line.StartsWith("#version", StringComparison.Ordinal)) continue;
            int space = line.IndexOf(' ', StringComparison.Ordinal);
            if (space <= 0 || space == line.Length - 1 || line.IndexOf(' ', space + 1) >= 0) throw new TokenizerException(file, $"line {number}", $"found \"{line}\", two tokens with one space between them are wanted");
            merges.Add((line[..space], line[(space + 1)..]));
        }
        return merges;
    }
}
