using System.Buffers.Text;
using System.Globalization;
using System.Text;
using KernelTune.Text.Models;
using KernelTune.Text.Pipeline;

namespace KernelTune.Text.Sources;

/// <summary>tiktoken's file of ranks: a token's bytes in base64 and its rank a line. The merges are every way of putting a token together out of two others, by the token's rank, then by
/// those of its parts; a piece that is a token is taken whole.</summary>
internal static class TiktokenRanks
{
    /// <exception cref="TokenizerException">A line is broken, or a rank is missing or comes twice: which.</exception>
    public static TokenizerSketch Read(ReadOnlySpan<byte> text, string file, string pattern, IReadOnlyList<AddedToken> special, string? normalizer)
    {
        string[] tokens = Tokens(text, file);
        var ranks = new Dictionary<string, int>(tokens.Length, StringComparer.Ordinal);
        for (int rank = 0; rank < tokens.Length; rank++)
            if (!ranks.TryAdd(tokens[rank], rank)) throw new TokenizerException(file, "", $"the ranks {ranks[tokens[rank]]} and {rank} have the same token");
        var bySpan = ranks.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<(string, string)>(tokens.Length);
        var ways = new List<(int Left, int Right)>();
        foreach (string token in tokens)
        {
            ways.Clear();
            for (int i = 1; i < token.Length; i++)
                if (bySpan.TryGetValue(token.AsSpan(0, i), out int left) && bySpan.TryGetValue(token.AsSpan(i), out int right)) ways.Add((left, right));
            ways.Sort();
            foreach (var (left, right) in ways) merges.Add((tokens[left], tokens[right]));
        }
        return new TokenizerSketch
        {
            Model = new BpeSketch(tokens, merges) { IgnoreMerges = true },
            Added = Filled(special, tokens.Length),
            Normalizer = normalizer,
            PreTokenizer = SplitPatterns.Then(pattern, addPrefixSpace: false),
            PostProcessor = """{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false,"use_regex":true}""",
            Decoder = """{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}""",
        };
    }

    /// <summary>Whether the bytes look like such a file.</summary>
    public static bool Matches(ReadOnlySpan<byte> text)
    {
        int space = text.IndexOf((byte)' ');
        return space is > 0 and < 1000 && Base64.IsValid(text[..space]) && space + 1 < text.Length && char.IsAsciiDigit((char)text[space + 1]);
    }

    /// <summary>Ids without a token, which the vocabularies have, get one that stands for nothing.</summary>
    private static List<AddedToken> Filled(IReadOnlyList<AddedToken> special, int count)
    {
        var byId = special.ToDictionary(t => t.Id);
        int last = special.Count == 0 ? -1 : special.Max(t => t.Id);
        for (int id = count; id < last; id++)
            if (!byId.ContainsKey(id)) byId[id] = new AddedToken { Id = id, Content = string.Create(CultureInfo.InvariantCulture, $"<|unused_{id}|>"), Special = true };
        return [.. byId.Values.OrderBy(t => t.Id)];
    }

    private static string[] Tokens(ReadOnlySpan<byte> text, string file)
    {
        var tokens = new List<(string Token, int Rank)>();
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
            tokens.Add((string.Create(length, bytes, (span, all) =>
            {
                for (int i = 0; i < span.Length; i++) span[i] = ByteAlphabet.Of(all[i]);
            }), rank));
        }
        tokens.Sort((a, b) => a.Rank.CompareTo(b.Rank));
        for (int i = 0; i < tokens.Count; i++)
            if (tokens[i].Rank != i) throw new TokenizerException(file, "", $"there are {tokens.Count} ranks, but {i} is missing or comes twice");
        return [.. tokens.Select(t => t.Token)];
    }
}
