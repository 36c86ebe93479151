using System.Text.Json;
using KernelTune.Text.Pipeline;

namespace KernelTune.Text.Models;

/// <summary>Reads the model of a tokenizer.json.</summary>
internal static class ModelReader
{
    /// <param name="key">The model.</param>
    /// <param name="isAdded">Whether a token stands among the added tokens.</param>
    public static TokenModel Read(JsonKey key, Func<string, bool> isAdded)
    {
        return (key.Find("type")?.Text() ?? TypeByMembers(key)) switch
        {
            "BPE" => Bpe(key, isAdded),
            "WordPiece" => WordPiece(key, isAdded),
            "WordLevel" => WordLevel(key, isAdded),
            "Unigram" => Unigram(key),
            var type => throw key["type"].Wrong($"\"{type}\" is no model that is known"),
        };
    }

    /// <summary>Files older than the key are told apart by what they hold.</summary>
    private static string TypeByMembers(JsonKey key) =>
        key.Find("merges") is not null ? "BPE"
        : key.Find("vocab") is { Value.ValueKind: JsonValueKind.Array } ? "Unigram"
        : key.Find("continuing_subword_prefix") is not null ? "WordPiece"
        : key.Find("vocab") is not null && key.Find("unk_token") is not null ? "WordLevel"
        : throw key.Wrong("'type' is missing, and there is nothing that tells it: merges as a BPE has, a vocab of scores (Unigram), a continuing_subword_prefix (WordPiece), an unk_token (WordLevel)");

    private static WordLevelModel WordLevel(JsonKey key, Func<string, bool> isAdded)
    {
        var vocabulary = Vocabulary.Read(key["vocab"]);
        return new WordLevelModel(vocabulary, Unknown(key["unk_token"], vocabulary, isAdded));
    }

    private static WordPieceModel WordPiece(JsonKey key, Func<string, bool> isAdded)
    {
        var vocabulary = Vocabulary.Read(key["vocab"]);
        return new WordPieceModel(vocabulary, Unknown(key["unk_token"], vocabulary, isAdded), key.Find("continuing_subword_prefix")?.Text() ?? "##",
            key.Find("max_input_chars_per_word")?.NotNegative() ?? 100);
    }

    private static UnigramModel Unigram(JsonKey key)
    {
        var entries = key["vocab"];
        var (tokens, scores) = (new List<string>(), new List<double>());
        foreach (var entry in entries.Items())
        {
            if (entry.Value.ValueKind != JsonValueKind.Array || entry.Value.GetArrayLength() != 2) throw entry.Wrong("a token and its score are wanted, as [\"a\", -1.5]");
            tokens.Add((entry with { Value = entry.Value[0] }).Text());
            scores.Add((entry with { Value = entry.Value[1] }).Number());
            if (!double.IsFinite(scores[^1])) throw entry.Wrong($"the score of {Vocabulary.Quoted(tokens[^1])} is not finite");
        }
        var unknown = key.Find("unk_id");
        int id = unknown?.NotNegative() ?? -1;
        if (id >= tokens.Count) throw unknown!.Value.Wrong($"the unknown token has the id {id}, but there are {tokens.Count} tokens");
        var vocabulary = Vocabulary.Of([.. tokens]);
        bool byteFallback = key.Flag("byte_fallback", false);
        if (byteFallback) CheckByteTokens(entries, vocabulary);
        return new UnigramModel(vocabulary, [.. scores], new UnknownToken(id, key.File, $"{key.Path}.unk_id"), byteFallback);
    }

    /// <summary>An unknown token that stands only among the added ones is refused where it is needed: a byte-level vocabulary, which lacks nothing, never does.</summary>
    private static UnknownToken Unknown(JsonKey key, Vocabulary vocabulary, Func<string, bool> isAdded)
    {
        string token = key.Text();
        if (!vocabulary.TryGetId(token, out int id))
            id = isAdded(token) ? -1 : throw key.Wrong($"the unknown token {Vocabulary.Quoted(token)} is not in the vocabulary");
        return new UnknownToken(id, key.File, key.Path);
    }

    private static BpeModel Bpe(JsonKey key, Func<string, bool> isAdded)
    {
        if (key.Find("dropout") is { } dropout)
        {
            double p = dropout.Number();
            if (!(p >= 0 && p <= 1)) throw dropout.Wrong($"found {dropout.Value.GetRawText()}, a number from 0 to 1 is wanted");
            if (p > 0) throw new TokenizerNotSupportedException(key.File, dropout.Path, $"dropout {dropout.Value.GetRawText()} would make every encoding another one; null is wanted");
        }
        var vocabulary = Vocabulary.Read(key["vocab"]);
        var settings = new BpeSettings
        {
            Unknown = key.Find("unk_token") is { } unknown && unknown.Text().Length > 0 ? Unknown(unknown, vocabulary, isAdded) : null,
            FuseUnknown = key.Flag("fuse_unk", false),
            ByteFallback = key.Flag("byte_fallback", false),
            IgnoreMerges = key.Flag("ignore_merges", false),
            ContinuingPrefix = key.Find("continuing_subword_prefix")?.Text() ?? "",
            EndSuffix = key.Find("end_of_word_suffix")?.Text() ?? "",
        };
        if (settings.ByteFallback) CheckByteTokens(key["vocab"], vocabulary);
        return new BpeModel(vocabulary, Merges(key["merges"], vocabulary, settings.ContinuingPrefix.Length), settings);
    }

    /// <summary>A token that begins as a byte's but names none would never be used.</summary>
    private static void CheckByteTokens(JsonKey key, Vocabulary vocabulary)
    {
        for (int id = 0; id < vocabulary.Count; id++)
        {
            string token = vocabulary[id];
            if (token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>' && Decoders.ByteFallbackDecoder.ByteOf(token) is null)
                throw key.Wrong($"the token \"{token}\" (id {id}) looks like a byte, but two hexadecimal digits are wanted after 0x");
        }
    }

    private static MergeTable Merges(JsonKey key, Vocabulary vocabulary, int prefixLength)
    {
        if (key.Value.ValueKind != JsonValueKind.Array) throw key.Wrong("an array of merges is wanted");
        var merges = new MergeTable(key.Value.GetArrayLength());
        int rank = 0;
        char[] buffer = [];
        foreach (var item in key.Value.EnumerateArray())
        {
            var (left, right) = Pair(item, rank);
            int l = IdOf(left, left, right), r = IdOf(right, left, right);
            if (right.Length < prefixLength) throw At(rank).Wrong($"{Vocabulary.Quoted(right)} is shorter than the continuing_subword_prefix");
            int length = left.Length + right.Length - prefixLength;
            if (buffer.Length < length) buffer = new char[length * 2];
            left.CopyTo(buffer);
            right.AsSpan(prefixLength).CopyTo(buffer.AsSpan(left.Length));
            if (!vocabulary.TryGetId(buffer.AsSpan(0, length), out int merged)) throw Missing(new string(buffer, 0, length), left, right);
            merges.Set(l, r, rank, merged);
            rank++;
        }
        return merges;

        JsonKey At(int index) => new(key.Value[index], key.File, $"{key.Path}[{index}]");

        int IdOf(string token, string left, string right) => vocabulary.TryGetId(token, out int id) ? id : throw Missing(token, left, right);

        TokenizerException Missing(string token, string left, string right) =>
            At(rank).Wrong($"{Vocabulary.Quoted(left)} + {Vocabulary.Quoted(right)} needs the token {Vocabulary.Quoted(token)}, which is not in the vocabulary");

        (string, string) Pair(JsonElement item, int index)
        {
            if (item.ValueKind == JsonValueKind.String)
            {
                string line = At2(item, index).Text();
                int space = line.IndexOf(' ', StringComparison.Ordinal);
                if (space < 0 || line.IndexOf(' ', space + 1) >= 0) throw At(index).Wrong($"found {Vocabulary.Quoted(line)}, two tokens with one space between them are wanted");
                return (line[..space], line[(space + 1)..]);
            }
            if (item.ValueKind != JsonValueKind.Array || item.GetArrayLength() != 2) throw At(index).Wrong("two tokens are wanted, as \"a b\" or [\"a\", \"b\"]");
            return (At2(item[0], index).Text(), At2(item[1], index).Text());
        }

        JsonKey At2(JsonElement value, int index) => new(value, key.File, $"{key.Path}[{index}]");
    }
}
