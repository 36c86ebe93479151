using System.Text.Json;
using KernelTune.Text;
using KernelTune.Text.Chat;

namespace KernelTune.Conformance.Families;

/// <summary>One line of a tokenizer's cases.jsonl: what it says against what our tokenizer gives.</summary>
internal static class EncodingCases
{
    /// <summary>What differs; null if nothing does.</summary>
    public static string? Difference(Tokenizer tokenizer, JsonElement row)
    {
        bool special = row.GetProperty("add_special_tokens").GetBoolean();
        var options = new EncodeOptions
        {
            Truncation = row.TryGetProperty("truncation", out JsonElement truncation) ? Truncation(truncation) : null,
            Padding = row.TryGetProperty("padding", out JsonElement padding) ? Padding(padding) : null,
        };
        if (row.TryGetProperty("batch", out JsonElement batch))
        {
            TokenEncoding[] encodings = tokenizer.EncodeBatch([.. batch.EnumerateArray().Select(t => t.GetString()!)], special, options);
            JsonElement[] wanted = [.. row.GetProperty("encodings").EnumerateArray()];
            if (wanted.Length != encodings.Length) return $"{encodings.Length} encodings, wanted {wanted.Length}";
            return encodings.Zip(wanted, (e, w) => Difference(e, w, "batch")).FirstOrDefault(d => d is not null);
        }

        string text = row.GetProperty("text").GetString()!;
        string? pair = row.TryGetProperty("pair", out JsonElement p) ? p.GetString() : null;
        if (row.TryGetProperty("error", out JsonElement error)) return ErrorDifference(tokenizer, text, pair, special, options, error.GetString()!);

        TokenEncoding encoding = tokenizer.Encode(text, pair, special, options);
        string shown = $"\"{(text.Length <= 60 ? text : text[..60] + "…")}\"";
        if (Difference(encoding, row, shown) is { } difference) return difference;
        JsonElement[] windows = row.TryGetProperty("overflowing", out JsonElement overflowing) ? [.. overflowing.EnumerateArray()] : [];
        if (windows.Length != encoding.Overflowing.Count) return $"{shown}: {encoding.Overflowing.Count} further windows, wanted {windows.Length}";
        for (int i = 0; i < windows.Length; i++)
            if (Difference(encoding.Overflowing[i], windows[i], $"{shown}, window {i + 1}") is { } other) return other;

        if (options is { Truncation: null, Padding: null } && pair is null)
        {
            if (!tokenizer.EncodeIds(text, special).AsSpan().SequenceEqual(encoding.Ids)) return $"{shown}: EncodeIds differs from Encode";
            if (tokenizer.CountTokens(text, special) != encoding.Length) return $"{shown}: CountTokens differs from Encode";
        }

        return TextDifference(row, "decoded", tokenizer.Decode(encoding.Ids, skipSpecialTokens: false), shown)
            ?? TextDifference(row, "decoded_skip_special", tokenizer.Decode(encoding.Ids, skipSpecialTokens: true), shown);
    }

    private static string? ErrorDifference(Tokenizer tokenizer, string text, string? pair, bool special, EncodeOptions options, string wanted)
    {
        try
        {
            tokenizer.Encode(text, pair, special, options);
            return $"no error, wanted: {wanted}";
        }
        catch (TokenizerException e)
        {
            return e.Problem == wanted ? null : $"error \"{e.Problem}\", wanted \"{wanted}\"";
        }
    }

    private static string? TextDifference(JsonElement row, string key, string got, string shown) =>
        row.TryGetProperty(key, out JsonElement wanted) && wanted.GetString() != got ? $"{shown}: {key} is \"{got}\", wanted \"{wanted.GetString()}\"" : null;

    internal static string? Difference(TokenEncoding got, JsonElement wanted, string shown) =>
        Lists(wanted, "ids", got.Ids, Number, shown) ?? Lists(wanted, "tokens", got.Tokens, e => e.GetString()!, shown) ?? Lists(wanted, "offsets", got.Offsets, Span, shown)
        ?? Lists(wanted, "type_ids", got.TypeIds, Number, shown) ?? Lists(wanted, "attention_mask", got.AttentionMask, Number, shown)
        ?? Lists(wanted, "special_tokens_mask", got.SpecialTokensMask, Number, shown)
        ?? Lists(wanted, "sequence_ids", got.SequenceIds, e => e.ValueKind == JsonValueKind.Null ? -1 : e.GetInt32(), shown);

    private static string? Lists<T>(JsonElement row, string key, IReadOnlyList<T> got, Func<JsonElement, T> read, string shown)
    {
        if (!row.TryGetProperty(key, out JsonElement list)) return null;
        T[] wanted = [.. list.EnumerateArray().Select(read)];
        int at = 0;
        while (at < wanted.Length && at < got.Count && EqualityComparer<T>.Default.Equals(wanted[at], got[at])) at++;
        if (at == wanted.Length && at == got.Count) return null;
        return $"{shown}: {key}[{at}] is {(at < got.Count ? got[at] : "absent")}, wanted {(at < wanted.Length ? wanted[at] : "absent")} ({got.Count} and {wanted.Length} entries)";
    }

    private static int Number(JsonElement e) => e.GetInt32();

    private static TextSpan Span(JsonElement e) => new(e[0].GetInt32(), e[1].GetInt32());

    internal static Truncation Truncation(JsonElement json) => new(
        json.GetProperty("max_length").GetInt32(),
        json.GetProperty("stride").GetInt32(),
        json.GetProperty("strategy").GetString() switch
        {
            "longest_first" => TruncationStrategy.LongestFirst,
            "only_first" => TruncationStrategy.OnlyFirst,
            "only_second" => TruncationStrategy.OnlySecond,
            var other => throw new NotSupportedException($"truncation strategy {other}"),
        },
        Side(json));

    internal static Padding Padding(JsonElement json) => new(
        json.GetProperty("pad_id").GetInt32(),
        json.GetProperty("pad_token").GetString()!,
        Optional(json, "length"),
        Side(json),
        json.GetProperty("pad_type_id").GetInt32(),
        Optional(json, "pad_to_multiple_of"));

    private static int? Optional(JsonElement json, string key) => json.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetInt32() : null;

    private static TextSide Side(JsonElement json) => json.GetProperty("direction").GetString() == "left" ? TextSide.Left : TextSide.Right;
}
