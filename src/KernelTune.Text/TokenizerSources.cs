using KernelTune.Text.Pipeline;
using KernelTune.Text.Sources;

namespace KernelTune.Text;

/// <summary>Vocabularies that come without a tokenizer.json. Each is described as one, so that what is built can be saved like any other.</summary>
public sealed partial class Tokenizer
{
    private static readonly string[] SentencePieceFiles = ["spiece.model", "sentencepiece.bpe.model", "tokenizer.model"];

    /// <summary>A WordPiece vocabulary (vocab.txt): a token a line.</summary>
    /// <exception cref="TokenizerException">A line is wrong: which.</exception>
    /// <exception cref="TokenizerNotSupportedException">The family is not known.</exception>
    public static Tokenizer FromWordPiece(ReadOnlySpan<byte> vocabulary, string name = "vocab.txt", TokenizerConfig? config = null, VocabularyOptions? options = null) =>
        Of(name, WordPieceVocabulary.Read(vocabulary, name, config ?? new(), options ?? new()));

    /// <summary>A byte-pair vocabulary (vocab.json) and its merges (merges.txt).</summary>
    /// <exception cref="TokenizerException">One of them is wrong: where.</exception>
    /// <exception cref="TokenizerNotSupportedException">The family is not known.</exception>
    public static Tokenizer FromMerges(ReadOnlySpan<byte> vocabulary, ReadOnlySpan<byte> merges, string name = "vocab.json", TokenizerConfig? config = null, VocabularyOptions? options = null)
    {
        using var document = TokenizerParts.Parse(vocabulary.ToArray(), name);
        return Of(name, MergeFiles.Read(new JsonKey(document.RootElement, name, ""), merges, Path.ChangeExtension(name, null) + " merges", config ?? new(), options ?? new()));
    }

    /// <summary>tiktoken's ranks: a token in base64 and its rank a line.</summary>
    /// <param name="ranks">The file's bytes.</param>
    /// <param name="pattern">The pattern by which texts are split; <see cref="TiktokenPatterns"/> has the published ones.</param>
    /// <param name="special">Special tokens, with ids behind the ranks or where the ranks have gaps; an id that nothing has gets a token &lt;|unused_N|&gt;.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="config">Which of the special tokens begin and end a text, and whether they are put there.</param>
    /// <exception cref="TokenizerException">A line is wrong (which), a special token has the id of a rank, or most ids would have no token.</exception>
    public static Tokenizer FromTiktoken(ReadOnlySpan<byte> ranks, string pattern, IReadOnlyDictionary<string, int>? special = null, string name = "tiktoken ranks", TokenizerConfig? config = null) =>
        Of(name, (TiktokenRanks.Read(ranks, name).Sketch(new TiktokenEncoding(pattern, [.. (special ?? new Dictionary<string, int>()).Select(t => new AddedToken { Id = t.Value, Content = t.Key, Special = true })]),
            config ?? new()), config ?? new()));

    /// <summary>A SentencePiece model (BPE or Unigram).</summary>
    /// <exception cref="TokenizerException">The bytes are no such model.</exception>
    /// <exception cref="TokenizerNotSupportedException">The model or the family is of a kind that is not built in.</exception>
    public static Tokenizer FromSentencePiece(ReadOnlySpan<byte> model, string name = "tokenizer.model", TokenizerConfig? config = null, VocabularyOptions? options = null) =>
        Of(name, new SentencePieceTokenizer(SentencePieceModel.Read(model, name), name, config ?? new(), options ?? new()).Read());

    private static Tokenizer Of(string name, (TokenizerSketch Sketch, TokenizerConfig Config) read, IReadOnlyDictionary<string, byte[]>? beside = null) =>
        Built(name, read.Sketch.ToJson(), read.Config, beside ?? new Dictionary<string, byte[]>());

    /// <summary>The tokenizer of a folder that has no tokenizer.json; null if there is no vocabulary of a kind that is known.</summary>
    private static Tokenizer? LoadOther(string folder)
    {
        string? Existing(string file) => Path.Combine(folder, file) is var path && File.Exists(path) ? path : null;
        var config = TokenizerConfig.Read(folder);
        var options = VocabularyOptions.Read(folder);
        var beside = TokenizerFolder.Companions(folder);
        if (Existing("vocab.json") is { } vocabulary && Existing("merges.txt") is { } merges)
        {
            using var document = TokenizerParts.Parse(File.ReadAllBytes(vocabulary), vocabulary);
            return Of(vocabulary, MergeFiles.Read(new JsonKey(document.RootElement, vocabulary, ""), File.ReadAllBytes(merges), merges, config, options), beside);
        }
        if (SentencePieceFiles.Select(Existing).FirstOrDefault(p => p is not null) is { } model)
        {
            byte[] bytes = File.ReadAllBytes(model);
            return Of(model, TiktokenRanks.Matches(bytes) ? Ranked(bytes, model, config, options) : new SentencePieceTokenizer(SentencePieceModel.Read(bytes, model), model, config, options).Read(), beside);
        }
        if (Directory.EnumerateFiles(folder, "*.tiktoken").Order(StringComparer.Ordinal).FirstOrDefault() is { } ranks)
            return Of(ranks, Ranked(File.ReadAllBytes(ranks), ranks, config, options), beside);
        return Existing("vocab.txt") is { } words ? Of(words, WordPieceVocabulary.Read(File.ReadAllBytes(words), words, config, options), beside) : null;
    }

    /// <summary>Ranks say neither how texts are split nor what the special tokens are: the file's name or the family must.</summary>
    private static (TokenizerSketch, TokenizerConfig) Ranked(byte[] bytes, string path, TokenizerConfig config, VocabularyOptions options)
    {
        var ranks = TiktokenRanks.Read(bytes, path);
        var encoding = TiktokenEncoding.Named(Path.GetFileNameWithoutExtension(path), options.Family, ranks.Count)?.With(options.AddedTokens)
            ?? throw new TokenizerNotSupportedException(path, "", "these ranks do not say how texts are split, and neither the file's name nor the tokenizer_class does: FromTiktoken takes the pattern");
        config = config with { BosToken = config.BosToken ?? encoding.Bos, EosToken = config.EosToken ?? encoding.Eos, AddBosToken = config.AddBosToken ?? (encoding.AddBos ? true : null) };
        return (ranks.Sketch(encoding, config), config);
    }
}

/// <summary>The patterns by which published tiktoken vocabularies split texts.</summary>
public static class TiktokenPatterns
{
    /// <summary>gpt2, r50k_base, p50k_base.</summary>
    public const string Gpt2 = SplitPatterns.Gpt2;

    /// <summary>cl100k_base.</summary>
    public const string Cl100kBase = SplitPatterns.Cl100k;

    /// <summary>o200k_base.</summary>
    public const string O200kBase = SplitPatterns.O200k;

    /// <summary>Llama 3.</summary>
    public const string Llama3 = SplitPatterns.Cl100k;

    /// <summary>Qwen, which also normalizes to NFC.</summary>
    public const string Qwen = SplitPatterns.Qwen2;
}
