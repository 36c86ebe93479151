using System.Buffers.Text;
using System.Globalization;
using System.Text;
using KernelTune.Text.Models;
using KernelTune.Text.Pipeline;

namespace KernelTune.Text.Sources;

/// <summary>tiktoken's file of ranks: a token's bytes in base64 and its rank, which is its id, a line. Ranks may have gaps (p50k_base leaves one for its special token). The merges are every way of putting
/// a token together out of two others, by the token's rank, then by those of its parts; a piece that is a token is taken whole.</summary>
internal sealed class TiktokenRanks
{
    private const int MostMissing = 1 << 16;     // beside as many ids without a token as there are ranks: more is a broken file

    private readonly string file;
    private readonly string?[] tokens;            // null where no rank is

    private TiktokenRanks(string file, string?[] tokens) => (this.file, this.tokens) = (file, tokens);

    /// <summary>One more than the largest rank.</summary>
    public int Count => tokens.Length;

    /// <exception cref="TokenizerException">A line is broken, or has a token or a rank that an earlier one has: which.</exception>
    public static TiktokenRanks Read(ReadOnlySpan<byte> text, string file) => new(file, Tokens(text, file));

    /// <exception cref="TokenizerException">A special token's id is taken or far from all others, or the config names a token that there is not.</exception>
    public TokenizerSketch Sketch(TiktokenEncoding encoding, TokenizerConfig config)
    {
        var added = Filled(encoding.Special);
        string[] all = [.. tokens.Select((t, id) => t ?? added[id].Content)];
        var ranks = new Dictionary<string, int>(all.Length, StringComparer.Ordinal);
        for (int rank = 0; rank < tokens.Length; rank++)
            if (tokens[rank] is { } token) ranks[token] = rank;
        var bySpan = ranks.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<(string, string)>(all.Length);
        var ways = new List<(int Left, int Right)>();
        foreach (string? token in tokens)
        {
            ways.Clear();
            for (int i = 1; i < token?.Length; i++)
                if (bySpan.TryGetValue(token.AsSpan(0, i), out int left) && bySpan.TryGetValue(token.AsSpan(i), out int right)) ways.Add((left, right));
            ways.Sort();
            foreach (var (left, right) in ways) merges.Add((all[left], all[right]));
        }
        AddedToken? Named(bool asked, string? content) => !asked ? null : content is not null && added.Values.FirstOrDefault(t => t.Content == content) is { } token ? token
            : throw new TokenizerException(file, "", $"a token is to be put at each text's {(content == config.BosToken ? "beginning" : "end")}, but \"{content}\" is not among the special tokens");
        string? around = TemplateSketch.Around(Named(config.AddBosToken == true, config.BosToken), Named(config.AddEosToken == true, config.EosToken)).Json;
        const string Trim = """{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false,"use_regex":true}""";
        return new TokenizerSketch
        {
            Model = new BpeSketch(all, merges) { IgnoreMerges = true },
            Added = [.. added.Values],
            Normalizer = encoding.Normalizer,
            PreTokenizer = SplitPatterns.Then(encoding.Pattern, addPrefixSpace: false),
            PostProcessor = around is null ? Trim : TokenizerSketch.Sequence("processors", [Trim, around]),
            Decoder = """{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}""",
        };
    }

    /// <summary>Whether the bytes look like such a file.</summary>
    public static bool Matches(ReadOnlySpan<byte> text)
    {
        int space = text.IndexOf((byte)' ');
        return space is > 0 and < 1000 && Base64.IsValid(text[..space]) && space + 1 < text.Length && char.IsAsciiDigit((char)text[space + 1]);
    }

    /// <summary>The special tokens by id; ids without a token get one that stands for nothing.</summary>
    private SortedDictionary<int, AddedToken> Filled(IReadOnlyList<AddedToken> special)
    {
        var byId = new SortedDictionary<int, AddedToken>();
        foreach (var token in special)
        {
            if (token.Id >= 0 && token.Id < tokens.Length && tokens[token.Id] is { } other && other != token.Content)
                throw new TokenizerException(file, "", $"the special token \"{token.Content}\" has the id {token.Id}, which is a rank of the file");
            if (!byId.TryAdd(token.Id, token)) throw new TokenizerException(file, "", $"the special tokens \"{byId[token.Id].Content}\" and \"{token.Content}\" have the same id {token.Id}");
        }
        int count = byId.Count == 0 ? tokens.Length : Math.Max(tokens.Length, byId.Keys.Last() + 1);
        RefuseSparse(file, "", count - 1, tokens.Count(t => t is not null) + special.Count);
        for (int id = 0; id < count; id++)
            if ((id >= tokens.Length || tokens[id] is null) && !byId.ContainsKey(id)) byId[id] = new AddedToken { Id = id, Content = string.Create(CultureInfo.InvariantCulture, $"<|unused_{id}|>"), Special = true };
        return byId;
    }

    private static void RefuseSparse(string file, string where, int last, int tokens)
    {
        if ((long)last + 1 - tokens > (long)tokens + MostMissing) throw new TokenizerException(file, where, $"there are {tokens} tokens, but ids up to {last}: most would have no token");
    }

    private static string?[] Tokens(ReadOnlySpan<byte> text, string file)
    {
        var lines = new List<(string Token, int Rank, int Line)>();
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        int number = 0;
        foreach (var range in text.Split((byte)'\n'))
        {
            number++;
            var line = text[range].TrimEnd((byte)'\r');
            if (line.IsEmpty) continue;
            int space = line.IndexOf((byte)' ');
            byte[] bytes = new byte[line.Length];
            // Whisper's vocabulary ends in an empty token, which is written as padding alone.
            int length = 0;
            bool empty = space == 1 && line[0] == '=';
            if (space <= 0 || !empty && (Base64.DecodeFromUtf8(line[..space], bytes, out _, out length) != System.Buffers.OperationStatus.Done || length == 0)
                || !int.TryParse(line[(space + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int rank))
                throw new TokenizerException(file, $"line {number}", $"found \"{Encoding.UTF8.GetString(line[..Math.Min(line.Length, 60)])}\", a token in base64, a space and its rank are wanted");
            string token = string.Create(length, bytes, (span, all) =>
            {
                for (int i = 0; i < span.Length; i++) span[i] = ByteAlphabet.Of(all[i]);
            });
            if (!seen.TryAdd(token, number)) throw new TokenizerException(file, $"line {number}", $"the token \"{Encoding.UTF8.GetString(line[..space])}\" stands in line {seen[token]} already");
            lines.Add((token, rank, number));
        }
        if (lines.Count == 0) throw new TokenizerException(file, "", "there are no ranks");
        var last = lines.MaxBy(l => l.Rank);
        RefuseSparse(file, $"line {last.Line}", last.Rank, lines.Count);
        var tokens = new string?[last.Rank + 1];
        var lineOf = new int[tokens.Length];
        foreach (var (token, rank, line) in lines)
        {
            if (tokens[rank] is not null) throw new TokenizerException(file, $"line {line}", $"the rank {rank} stands in line {lineOf[rank]} already");
            (tokens[rank], lineOf[rank]) = (token, line);
        }
        return tokens;
    }
}
