using KernelTune.Text.Decoders;
using KernelTune.Text.Models;
using KernelTune.Text.Pipeline;
using KernelTune.Text.PostProcessors;

namespace KernelTune.Text;

/// <summary>Text to tokens and back, as a tokenizer.json of Hugging Face's tokenizers library describes it. Immutable; safe for several threads.</summary>
public sealed partial class Tokenizer : Microsoft.ML.Tokenizers.Tokenizer
{
    private readonly TokenizerParts parts;
    private readonly byte[] source;
    private readonly IReadOnlyDictionary<string, byte[]> companions;
    private readonly int[] before;      // what the post-processor puts around a single text
    private readonly int[] after;

    private Tokenizer(string name, byte[] source, TokenizerConfig config, IReadOnlyDictionary<string, byte[]> companions)
    {
        Name = name;
        this.source = source;
        this.companions = companions;
        Config = config;
        parts = TokenizerParts.Read(source, name);
        (before, after) = AroundText();
        VocabSize = Math.Max(parts.Model.Vocabulary.Count, parts.Added.All.Count == 0 ? 0 : parts.Added.All[^1].Id + 1);
    }

    /// <summary>The file that it was read from, for messages.</summary>
    public string Name { get; }

    // Room for the ids of a text, kept between calls up to this many.
    private const int MostSpare = 1 << 16;

    private List<int>? spare;

    /// <summary>What the files beside tokenizer.json say.</summary>
    public TokenizerConfig Config { get; }

    /// <summary>How many ids there are, added tokens included: one more than the largest.</summary>
    public int VocabSize { get; }

    /// <summary>The tokens beside the model's own, by id.</summary>
    public IReadOnlyList<AddedToken> AddedTokens => parts.Added.All;

    /// <summary>The truncation that the file asks for; <see cref="Encode"/> cuts only where it is told to.</summary>
    public Truncation? FileTruncation => parts.Truncation;

    /// <summary>The padding that the file asks for; <see cref="Encode"/> pads only where it is told to.</summary>
    public Padding? FilePadding => parts.Padding;

    /// <summary>The id of the token that begins a text, where the files name one.</summary>
    public int? BosId => IdOf(Config.BosToken);

    /// <summary>The id of the token that ends a text, where the files name one.</summary>
    public int? EosId => IdOf(Config.EosToken);

    /// <summary>The id of the padding, where the files name one.</summary>
    public int? PadId => IdOf(Config.PadToken);

    /// <summary>The id of the unknown token, where the files name one.</summary>
    public int? UnknownId => IdOf(Config.UnknownToken);

    private int? IdOf(string? token) => token is null ? null : TokenToId(token);

    /// <summary>The token's id, or null.</summary>
    public int? TokenToId(string token) =>
        parts.Added.TryGetId(token, out int id) || parts.Model.Vocabulary.TryGetId(token, out id) ? id : null;

    /// <summary>The token of an id, or null.</summary>
    public string? IdToToken(int id) =>
        parts.Added.Find(id)?.Content ?? ((uint)id < (uint)parts.Model.Vocabulary.Count ? parts.Model.Vocabulary[id] : null);

    /// <summary>Whether decoding that skips special tokens leaves this one out.</summary>
    public bool IsSpecial(int id) => parts.Added.Find(id) is { Special: true };

    /// <exception cref="TokenizerException">The model's embedding has fewer rows than there are ids.</exception>
    public void RequireRows(int embeddingRows)
    {
        if (VocabSize > embeddingRows)
            throw new TokenizerException(Name, "", $"the token {Vocabulary.Quoted(IdToToken(VocabSize - 1) ?? "")} has the id {VocabSize - 1}, but the model's embedding has {embeddingRows} rows");
    }

    /// <summary>The tokens of a text and perhaps its pair, with their places.</summary>
    /// <param name="text">The text.</param>
    /// <param name="pair">The second text of a pair; null for none.</param>
    /// <param name="addSpecialTokens">Whether the post-processor puts its tokens in.</param>
    /// <param name="options">Cutting, padding, and what of <paramref name="text"/> is not to be read as special tokens.</param>
    /// <exception cref="TokenizerException">The text cannot be cut as asked, or a pattern takes too long on it.</exception>
    public TokenEncoding Encode(string text, string? pair = null, bool addSpecialTokens = true, EncodeOptions? options = null)
    {
        var window = Whole(text, pair, addSpecialTokens, options);
        if (options?.Padding is { } padding) WindowRules.Pad([window], padding);
        return window.ToEncoding();
    }

    /// <summary>The tokens of several texts, padded together where the options say so.</summary>
    public TokenEncoding[] EncodeBatch(IReadOnlyList<string> texts, bool addSpecialTokens = true, EncodeOptions? options = null)
    {
        var windows = texts.Select(t => Whole(t, null, addSpecialTokens, options)).ToArray();
        if (options?.Padding is { } padding) WindowRules.Pad(windows, padding);
        return [.. windows.Select(w => w.ToEncoding())];
    }

    /// <summary>The tokens of a text that comes as words, each tokenized by itself; offsets are those within the word.</summary>
    /// <exception cref="TokenizerException">The text cannot be cut as asked, or a pattern takes too long on a word.</exception>
    public TokenEncoding EncodeWords(IReadOnlyList<string> words, bool addSpecialTokens = true, EncodeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(words);
        var ordinary = options?.SpecialTokensAreText == true ? OrdinaryParts.All : OrdinaryParts.None;
        var all = new Window();
        for (int i = 0; i < words.Count; i++) all.Append(Single(words[i], 0, ordinary), i);
        var window = Joined(all, null, addSpecialTokens, options);
        if (options?.Padding is { } padding) WindowRules.Pad([window], padding);
        return window.ToEncoding();
    }

    /// <summary>Only the ids of a text: what <see cref="Encode"/> gives without options, faster.</summary>
    public int[] EncodeIds(string text, bool addSpecialTokens = true) => EncodeIds(text, addSpecialTokens, null);

    /// <summary>Only the ids of a text. Options that cut or pad are refused.</summary>
    /// <exception cref="ArgumentException">The options cut or pad.</exception>
    public int[] EncodeIds(string text, bool addSpecialTokens, EncodeOptions? options)
    {
        if (options is { Truncation: not null } or { Padding: not null }) throw new ArgumentException("EncodeIds neither cuts nor pads: Encode does", nameof(options));
        // One caller at a time finds the list that the last one left.
        var ids = Interlocked.Exchange(ref spare, null) ?? [];
        ids.Clear();
        ids.EnsureCapacity((text.Length / 3) + 8);
        if (addSpecialTokens) ids.AddRange(before);
        AppendIds(text, options, ids);
        if (addSpecialTokens) ids.AddRange(after);
        int[] result = [.. ids];
        if (ids.Capacity <= MostSpare) spare = ids;
        return result;
    }

    /// <summary>How many tokens a text has.</summary>
    public int CountTokens(string text, bool addSpecialTokens = true)
    {
        var ids = new List<int>(text.Length / 3 + 8);
        AppendIds(text, null, ids);
        return ids.Count + (addSpecialTokens ? before.Length + after.Length : 0);
    }

    /// <summary>The text of ids; an id without a token counts for nothing.</summary>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = true)
    {
        var tokens = new List<string>(ids.Length);
        foreach (int id in ids)
            if (DecodedForm(id, skipSpecialTokens) is { } token) tokens.Add(token);
        return Decoder.Text(parts.Decoder, tokens);
    }

    /// <summary>A decoder for ids that come one by one.</summary>
    public StreamingDecoder Stream(bool skipSpecialTokens = true) => new(this, skipSpecialTokens);

    /// <summary>The token as the decoder sees it; null if there is none or it is skipped.</summary>
    internal string? DecodedForm(int id, bool skipSpecialTokens)
    {
        string? token = parts.Added.DecodedForm(id) ?? ((uint)id < (uint)parts.Model.Vocabulary.Count ? parts.Model.Vocabulary[id] : null);
        return token is null || skipSpecialTokens && parts.Added.IsSpecial(token) ? null : token;
    }

    internal Decoder? DecoderPart => parts.Decoder;

    private (int[] Before, int[] After) AroundText()
    {
        const int TheText = -1;
        var text = new Window();
        text.Add(TheText, "", default, 0, 0);
        var ids = PostProcessor.Join(parts.PostProcessor, text, null, addSpecialTokens: true).Ids;
        int at = ids.IndexOf(TheText);
        if (at < 0 || ids.LastIndexOf(TheText) != at) throw new TokenizerException(Name, "post_processor", $"the template of a single text holds the text {ids.Count(id => id == TheText)} times, once is wanted");
        return ([.. ids[..at]], [.. ids[(at + 1)..]]);
    }

    private Window Whole(string text, string? pair, bool addSpecialTokens, EncodeOptions? options)
    {
        var first = Single(text, 0, OrdinaryParts.Of(text, options));
        var second = pair is null ? null : Single(pair, 1, options?.SpecialTokensAreText == true ? OrdinaryParts.All : OrdinaryParts.None);
        return Joined(first, second, addSpecialTokens, options);
    }

    private Window Joined(Window first, Window? second, bool addSpecialTokens, EncodeOptions? options)
    {
        if (options?.Truncation is { } truncation)
        {
            int added = addSpecialTokens ? parts.PostProcessor?.AddedTokens(second is not null) ?? 0 : 0;
            (first, second) = WindowRules.Cut(first, second, truncation.MaxLength - added, truncation, Name);
        }
        return PostProcessor.Join(parts.PostProcessor, first, second, addSpecialTokens);
    }

    private Window Single(string text, int sequence, OrdinaryParts ordinary)
    {
        var window = new Window();
        var offsets = new OffsetMap(text);
        foreach (var piece in Pieces(text, ordinary, true, true)) PieceEncoder.Add(piece, parts.Model, offsets, sequence, window);
        return window;
    }

    private List<Piece> Pieces(string text, OrdinaryParts ordinary, bool normalize, bool split)
    {
        var pieces = parts.Added.Extract(text, normalize ? parts.Normalizer : null, ordinary);
        if (parts.PreTokenizer is not { } preTokenizer) return pieces;
        if (split) return preTokenizer.Split(pieces);
        return preTokenizer.LeavesBytes ? pieces.ConvertAll(p => p.AddedToken >= 0 ? p : p.ToBytes()) : pieces;
    }

    private void AppendIds(string text, EncodeOptions? options, List<int> ids)
    {
        var pieces = parts.Added.Extract(text, parts.Normalizer, OrdinaryParts.Of(text, options));
        if (parts.PreTokenizer is { } split)
        {
            if (split.InPlace)
            {
                AppendRanges(pieces, split, ids);
                return;
            }
            pieces = split.Split(pieces);
        }
        foreach (var piece in pieces)
        {
            if (piece.AddedToken >= 0) ids.Add(piece.AddedToken);
            else ids.AddRange(piece.AsBytes ? parts.Model.IdsOfBytes(piece.Span) : parts.Model.Encode(piece.Span).Ids);
        }
    }

    /// <summary>Where splitting changes no character, and no places are asked for, ranges are enough.</summary>
    private void AppendRanges(List<Piece> pieces, PreTokenizers.PreTokenizer split, List<int> ids)
    {
        var sink = new IdSink(parts.Model, split.LeavesBytes, ids);
        foreach (var piece in pieces)
        {
            if (piece.AddedToken >= 0) ids.Add(piece.AddedToken);
            else split.SplitRange(piece.Span, 0, piece.Length, sink);
        }
    }
}
