using System.Text.Json;
using KernelTune.Data;
using KernelTune.Text;

namespace KernelTune.Conformance.Families;

/// <summary>Labels of words spread over their tokens.</summary>
internal static class LabelCases
{
    public static string? Spread(JsonElement one, string folder)
    {
        Settings settings = Settings.Of(one);
        WordLabelling mode = settings.Word("label") switch
        {
            "first" => WordLabelling.First,
            "all" => WordLabelling.All,
            "inside" => WordLabelling.Inside,
            var other => throw new NotSupportedException($"label {other}"),
        };
        settings.RefuseOthers();
        Tokenizer tokenizer = Tokenizer.Load(folder);
        int number = 0;
        foreach (JsonElement row in one.GetProperty("rows").EnumerateArray())
        {
            TokenEncoding encoding = tokenizer.EncodeWords([.. row.GetProperty("words").EnumerateArray().Select(w => w.GetString()!)]);
            int[] labels = Numbers.Ints(row.GetProperty("word_labels"));
            // The fixture's labels: 0 is O, odd ones are B-, the even one after each I- of the same type.
            int[] inside = [.. Enumerable.Range(0, labels.Length == 0 ? 0 : labels.Max() + 1).Select(l => l % 2 == 1 ? l + 1 : l)];
            int[] wordIds = [.. row.GetProperty("word_ids").EnumerateArray().Select(w => w.ValueKind == JsonValueKind.Null ? -1 : w.GetInt32())];
            string? wrong = Numbers.Differ("input_ids", encoding.Ids, Numbers.Ints(row.GetProperty("input_ids")))
                ?? Numbers.Differ("word_ids", encoding.WordIds, wordIds)
                ?? Numbers.Differ("labels", WordLabels.Spread(encoding.WordIds, labels, mode, inside), Numbers.Ints(row.GetProperty("labels")));
            if (wrong is not null) return $"row {number}: {wrong}";
            number++;
        }

        return null;
    }
}
