using System.Text.Json;
using System.Text.Json.Nodes;

namespace KernelTune.Text.Tests.Tokenizers;

/// <summary>Our encodings as the goldens write them.</summary>
internal static class GoldenLine
{
    private static readonly string[] Fields = ["ids", "tokens", "offsets", "type_ids", "attention_mask", "special_tokens_mask"];

    public static IEnumerable<JsonObject> Read(string path) =>
        File.ReadAllText(path).Split('\n').Where(line => line.Length > 0).Select(line => JsonNode.Parse(line)!.AsObject());

    /// <summary>The fields of a golden that describe an encoding, as one text.</summary>
    public static string Wanted(JsonNode golden) => string.Join('\n', Fields.Where(f => golden[f] is not null).Select(f => golden[f]!.ToJsonString()));

    /// <summary>The same fields of ours.</summary>
    public static string Got(TokenEncoding encoding, JsonNode golden)
    {
        JsonArray Numbers(int[] values) => [.. values.Select(v => (JsonNode)v)];
        var ours = new JsonObject
        {
            ["ids"] = Numbers(encoding.Ids),
            ["tokens"] = new JsonArray([.. encoding.Tokens.Select(t => JsonValue.Create(t))]),
            ["offsets"] = new JsonArray([.. encoding.Offsets.Select(o => new JsonArray(o.Start, o.End))]),
            ["type_ids"] = Numbers(encoding.TypeIds),
            ["attention_mask"] = Numbers(encoding.AttentionMask),
            ["special_tokens_mask"] = Numbers(encoding.SpecialTokensMask),
        };
        return string.Join('\n', Fields.Where(f => golden[f] is not null).Select(f => ours[f]!.ToJsonString()));
    }

    public static EncodeOptions Options(JsonObject golden) => new()
    {
        Truncation = golden["truncation"] is JsonObject t
            ? new Truncation((int)t["max_length"]!, (int)t["stride"]!, (string?)t["strategy"] switch
            {
                "only_first" => TruncationStrategy.OnlyFirst,
                "only_second" => TruncationStrategy.OnlySecond,
                _ => TruncationStrategy.LongestFirst,
            }, Side(t))
            : null,
        Padding = golden["padding"] is JsonObject p
            ? new Padding((int)p["pad_id"]!, (string)p["pad_token"]!, (int?)p["length"], Side(p), (int)p["pad_type_id"]!, (int?)p["pad_to_multiple_of"])
            : null,
    };

    private static TextSide Side(JsonObject settings) => (string?)settings["direction"] == "left" ? TextSide.Left : TextSide.Right;
}
