using System.Globalization;

namespace KernelTune.Text.Sources;

/// <summary>What belongs to a published vocabulary of ranks, which its file does not say: how texts are split, and the special tokens.</summary>
/// <param name="Pattern">Splits texts.</param>
/// <param name="Special">The special tokens and their ids.</param>
internal sealed record TiktokenEncoding(string Pattern, IReadOnlyList<AddedToken> Special)
{
    private const string End = "<|endoftext|>";

    /// <summary>A normalizer; null for none.</summary>
    public string? Normalizer { get; init; }

    /// <summary>The token that begins a text.</summary>
    public string? Bos { get; init; }

    /// <summary>The token that ends a text.</summary>
    public string? Eos { get; init; }

    /// <summary>Whether the token that begins a text is put there unasked.</summary>
    public bool AddBos { get; init; }

    /// <summary>The encoding of a file's name or of a model's family; null where neither is known. Ids are those of tiktoken's openai_public.py, of Qwen's and of Llama 3's own tokenizers.</summary>
    /// <param name="file">The file's name without its extension: an encoding's name, "qwen", or "tokenizer", as Llama 3's is called.</param>
    /// <param name="family">The tokenizer's class, shortened; null for none.</param>
    /// <param name="count">How many ranks there are: Llama 3's special tokens follow them.</param>
    public static TiktokenEncoding? Named(string file, string? family, int count) => (file, family) switch
    {
        ("qwen", _) or (_, "QWen" or "Qwen2") => new(SplitPatterns.Qwen2, [.. Of((End, 151643), ("<|im_start|>", 151644), ("<|im_end|>", 151645)), .. Run("<|extra_{0}|>", 0, 205, 151646)])
        {
            Normalizer = """{"type":"NFC"}""", Eos = End,
        },
        ("gpt2" or "r50k_base" or "p50k_base", _) => new(SplitPatterns.Gpt2, Of((End, 50256))) { Eos = End },
        ("p50k_edit", _) => new(SplitPatterns.Gpt2, Of((End, 50256), ("<|fim_prefix|>", 50281), ("<|fim_middle|>", 50282), ("<|fim_suffix|>", 50283))) { Eos = End },
        ("cl100k_base", _) => new(SplitPatterns.Cl100k, Of((End, 100257), ("<|fim_prefix|>", 100258), ("<|fim_middle|>", 100259), ("<|fim_suffix|>", 100260), ("<|endofprompt|>", 100276))) { Eos = End },
        ("o200k_base", _) => new(SplitPatterns.O200k, Of((End, 199999), ("<|endofprompt|>", 200018))) { Eos = End },
        ("o200k_harmony", _) => new(SplitPatterns.O200k,
        [
            .. Of(("<|startoftext|>", 199998), (End, 199999), ("<|return|>", 200002), ("<|constrain|>", 200003), ("<|channel|>", 200005), ("<|start|>", 200006), ("<|end|>", 200007), ("<|message|>", 200008),
                ("<|call|>", 200012), ("<|endofprompt|>", 200018)),
            .. Run("<|reserved_{0}|>", 200000, 2, 200000), .. Run("<|reserved_{0}|>", 200004, 1, 200004), .. Run("<|reserved_{0}|>", 200009, 3, 200009),
            .. Run("<|reserved_{0}|>", 200013, 5, 200013), .. Run("<|reserved_{0}|>", 200019, 201088 - 200019, 200019),
        ])
        {
            Bos = "<|startoftext|>", Eos = End,
        },
        ("tokenizer", null or "Llama") => new(SplitPatterns.Cl100k,
        [
            .. Of(("<|begin_of_text|>", count), ("<|end_of_text|>", count + 1)), .. Run("<|reserved_special_token_{0}|>", 0, 4, count + 2),
            .. Of(("<|start_header_id|>", count + 6), ("<|end_header_id|>", count + 7)), .. Run("<|reserved_special_token_{0}|>", 4, 1, count + 8),
            .. Of(("<|eot_id|>", count + 9)), .. Run("<|reserved_special_token_{0}|>", 5, 246, count + 10),
        ])
        {
            Bos = "<|begin_of_text|>", Eos = "<|end_of_text|>", AddBos = true,
        },
        _ => null,
    };

    /// <summary>The tokens of a folder's files in place of those of the same ids.</summary>
    public TiktokenEncoding With(IReadOnlyList<AddedToken> given)
    {
        var (ids, names) = (given.Select(t => t.Id).ToHashSet(), given.Select(t => t.Content).ToHashSet(StringComparer.Ordinal));
        return this with { Special = [.. Special.Where(t => !ids.Contains(t.Id) && !names.Contains(t.Content)), .. given] };
    }

    private static AddedToken[] Of(params (string Content, int Id)[] tokens) => [.. tokens.Select(t => new AddedToken { Id = t.Id, Content = t.Content, Special = true })];

    private static AddedToken[] Run(string format, int first, int count, int id) =>
        Of([.. Enumerable.Range(0, count).Select(i => (string.Format(CultureInfo.InvariantCulture, format, first + i), id + i))]);
}
