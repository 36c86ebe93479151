namespace KernelTune.Text.Gguf;

/// <summary>What <c>tokenizer.ggml.pre</c> stands for in a tokenizer.json. The names are llama.cpp's; the rules those of the models that they were given for.</summary>
internal sealed record GgufPreTokenizer(string Json, string? Normalizer = null, bool IgnoreMerges = false, bool AddBos = false)
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Spaces = @"\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private const string Words = @"[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
    private const string Cased = @"[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+";
    private const string Capitals = @"[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*";
    private const string Symbols = @" ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*";
    private const string SymbolsAndSlashes = @" ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*";

    private const string Bytes = """{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}""";
    private const string Gpt2 = """{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}""";

    /// <summary>The rules of that name, or null.</summary>
    public static GgufPreTokenizer? Named(string name) => name switch
    {
        "gpt-2" or "phi-2" or "olmo" or "mpt" or "jais" or "jina-es" or "jina-de" or "jina-v2-es" or "jina-v2-de" or "gigachat" or "mellum" => new(Gpt2),
        "smollm" or "starcoder" or "refact" or "command-r" or "codeshell" or "exaone" or "minerva-7b" => new(Sequence("""{"type":"Digits","individual_digits":true}""", Gpt2)),
        "llama-bpe" or "llama3" or "llama-v3" => new(Split($@"{Contractions}|{Words}|\\p{{N}}{{1,3}}|{Symbols}|{Spaces}"), IgnoreMerges: true, AddBos: true),
        "dbrx" or "smaug-bpe" => new(Split($@"{Contractions}|{Words}|\\p{{N}}{{1,3}}|{Symbols}|{Spaces}")),
        "qwen2" or "stablelm2" or "deepseek-r1-qwen" or "megrez" => new(Split($@"{Contractions}|{Words}|\\p{{N}}|{Symbols}|{Spaces}"), """{"type":"NFC"}"""),
        "gpt-4o" => new(Split($@"{Cased}{Contractions}?|{Capitals}{Contractions}?|\\p{{N}}{{1,3}}|{SymbolsAndSlashes}|{Spaces}")),
        "tekken" => new(Split($@"{Cased}|{Capitals}|\\p{{N}}|{SymbolsAndSlashes}|{Spaces}"), IgnoreMerges: true, AddBos: true),
        _ => null,
    };

    private static string Split(string pattern) => Sequence($$$"""{"type":"Split","pattern":{"Regex":"{{{pattern}}}"},"behavior":"Isolated","invert":false}""", Bytes);

    private static string Sequence(params string[] parts) => $$"""{"type":"Sequence","pretokenizers":[{{string.Join(',', parts)}}]}""";
}
