using System.Text.Json;
using KernelTune.Text.Decoders;
using KernelTune.Text.Models;
using KernelTune.Text.Normalizers;
using KernelTune.Text.PostProcessors;
using KernelTune.Text.PreTokenizers;

namespace KernelTune.Text.Pipeline;

/// <summary>What a tokenizer.json describes.</summary>
internal sealed record TokenizerParts
{
    private const int DeepestNesting = 64;

    public required TokenModel Model { get; init; }

    public required AddedVocabulary Added { get; init; }

    public Normalizer? Normalizer { get; init; }

    public PreTokenizer? PreTokenizer { get; init; }

    public PostProcessor? PostProcessor { get; init; }

    public Decoder? Decoder { get; init; }

    public Truncation? Truncation { get; init; }

    public Padding? Padding { get; init; }

    /// <exception cref="TokenizerException">The file is not JSON, or a part of it is wrong.</exception>
    public static TokenizerParts Read(ReadOnlyMemory<byte> json, string file)
    {
        using var document = Parse(json, file);
        var root = new JsonKey(document.RootElement, file, "");
        if (root.Find("version") is { } version && version.Text() != "1.0") throw version.Wrong($"found \"{version.Text()}\", \"1.0\" is wanted");
        var model = ModelReader.Read(root["model"], token => root.Find("added_tokens") is { } list && list.Items().Any(t => t["content"].Text() == token));
        var normalizer = root.Find("normalizer") is { } n ? ComponentReader.Normalizer(n) : null;
        var preTokenizer = root.Find("pre_tokenizer") is { } p ? ComponentReader.PreTokenizer(p) : null;
        return new TokenizerParts
        {
            Model = model,
            Added = new AddedVocabulary(root.Find("added_tokens") is { } added ? AddedTokens(added, model.Vocabulary) : [], normalizer),
            Normalizer = normalizer,
            PreTokenizer = model.TakesBytes ? WithoutSpelling(preTokenizer) : preTokenizer,
            PostProcessor = root.Find("post_processor") is { } pp ? ComponentReader.PostProcessor(pp) : null,
            Decoder = root.Find("decoder") is { } d ? ComponentReader.Decoder(d) : null,
            Truncation = root.Find("truncation") is { } t ? ReadTruncation(t) : null,
            Padding = root.Find("padding") is { } pad ? ReadPadding(pad) : null,
        };
    }

    internal static JsonDocument Parse(ReadOnlyMemory<byte> json, string file)
    {
        try
        {
            if (json.Span.StartsWith("\uFEFF"u8)) json = json[3..];
            return JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = DeepestNesting, AllowDuplicateProperties = false });
        }
        catch (JsonException e)
        {
            string where = e.LineNumber is { } line ? $"line {line + 1}, byte {e.BytePositionInLine + 1}" : "";
            string problem = e.Message.Split(" Path: ")[0].Split(" LineNumber: ")[0];
            throw new TokenizerException(file, where, $"not the JSON that is wanted: {problem}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new TokenizerException(file, "", "not the JSON that is wanted: a key is not valid UTF-8 or holds half of a surrogate pair", e);
        }
    }

    /// <summary>Where bytes are spelled out last, a model that takes bytes can do without.</summary>
    private static PreTokenizer? WithoutSpelling(PreTokenizer? preTokenizer)
    {
        if (preTokenizer is ByteLevel alone) return alone.WithoutSpelling();
        if (preTokenizer is not PreTokenizerSequence { Parts: var parts } || parts.Count == 0 || parts[^1] is not ByteLevel last) return preTokenizer;
        var before = parts.Take(parts.Count - 1).ToList();
        return before.Any(Spells) ? preTokenizer : new PreTokenizerSequence([.. before, last.WithoutSpelling()]);
    }

    private static bool Spells(PreTokenizer part) => part is ByteLevel || part is PreTokenizerSequence sequence && sequence.Parts.Any(Spells);

    /// <summary>The ids that a file gives must be those that the library would give: a known token's own, else the next free one.</summary>
    private static List<AddedToken> AddedTokens(JsonKey key, Vocabulary vocabulary)
    {
        var tokens = new List<AddedToken>();
        var seen = new Dictionary<int, string>();
        int next = vocabulary.Count;
        foreach (var item in key.Items())
        {
            var token = new AddedToken
            {
                Id = item["id"].NotNegative(),
                Content = item["content"].Text(),
                SingleWord = item.Flag("single_word", false),
                LeftStrip = item.Flag("lstrip", false),
                RightStrip = item.Flag("rstrip", false),
                Normalized = item.Flag("normalized", !item.Flag("special", false)),
                Special = item.Flag("special", false),
            };
            if (token.Content.Length == 0) continue;
            if (seen.TryGetValue(token.Id, out string? other) && other != token.Content)
                throw item.Wrong($"the id {token.Id} is given to {Vocabulary.Quoted(other)} and to {Vocabulary.Quoted(token.Content)}");
            if (vocabulary.TryGetId(token.Content, out int known))
            {
                if (known != token.Id) throw item.Wrong($"{Vocabulary.Quoted(token.Content)} has the id {token.Id} here and {known} in the vocabulary");
            }
            else if (token.Id < vocabulary.Count)
                throw item.Wrong($"the id {token.Id} is given to {Vocabulary.Quoted(token.Content)} and, in the vocabulary, to {Vocabulary.Quoted(vocabulary[token.Id])}");
            seen[token.Id] = token.Content;
            tokens.Add(token);
        }
        foreach (int id in seen.Keys.Where(id => id >= vocabulary.Count).Order())
            if (id != next++) throw key.Wrong($"no token has the id {next - 1}, though {Vocabulary.Quoted(seen[id])} has {id}: the ids must have no gap");
        return tokens;
    }

    private static Truncation ReadTruncation(JsonKey key) => new(
        key["max_length"].NotNegative(),
        key.Find("stride")?.NotNegative() ?? 0,
        key.Find("strategy") is not { } strategy ? TruncationStrategy.LongestFirst : strategy.Text() switch
        {
            "LongestFirst" => TruncationStrategy.LongestFirst,
            "OnlyFirst" => TruncationStrategy.OnlyFirst,
            "OnlySecond" => TruncationStrategy.OnlySecond,
            var other => throw strategy.Wrong($"found \"{other}\"; LongestFirst, OnlyFirst or OnlySecond is wanted"),
        },
        Side(key.Find("direction")));

    private static Padding ReadPadding(JsonKey key)
    {
        var strategy = key["strategy"];
        int? length = strategy.Value.ValueKind == JsonValueKind.Object ? strategy["Fixed"].NotNegative()
            : strategy.Text() == "BatchLongest" ? null : throw strategy.Wrong($"found \"{strategy.Text()}\"; \"BatchLongest\" or {{\"Fixed\": …}} is wanted");
        return new Padding(key["pad_id"].NotNegative(), key["pad_token"].Text(), length, Side(key.Find("direction")), key.Find("pad_type_id")?.NotNegative() ?? 0,
            key.Find("pad_to_multiple_of")?.NotNegative());
    }

    private static TextSide Side(JsonKey? key) => key?.Text() switch
    {
        null or "Right" => TextSide.Right,
        "Left" => TextSide.Left,
        var other => throw key.Value.Wrong($"found \"{other}\"; Left or Right is wanted"),
    };
}
