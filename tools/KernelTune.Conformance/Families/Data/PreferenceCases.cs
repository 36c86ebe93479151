using System.Text.Json;
using System.Text.Json.Nodes;
using KernelTune.Data;
using KernelTune.Text;
using KernelTune.Text.Chat;

namespace KernelTune.Conformance.Families;

/// <summary>Preference pairs: their preparation, their batches, and TRL's conversions.</summary>
internal static class PreferenceCases
{
    public static string? Prepared(JsonElement one, JsonElement root, string folder)
    {
        Tokenizer tokenizer = Tokenizer.Load(folder);
        ChatTemplate? template = ChatTemplate.Of(tokenizer.Config, text: root.TryGetProperty("chat_template", out JsonElement text) ? text.GetString() : null);
        var preparation = new PreferencePreparation(new TokenizerEncoder(tokenizer), template, new SftOptions { SpecialInContent = true }, "the case");
        PreferenceRow[] rows = [.. preparation.Prepare(CaseRows.Read<PreferenceExample>(one.GetProperty("examples").EnumerateArray()), new PreparationAccount())];
        JsonElement[] prepared = [.. one.GetProperty("prepared").EnumerateArray()];
        if (rows.Length != prepared.Length) return $"{rows.Length} rows, wanted {prepared.Length}";
        for (int r = 0; r < rows.Length; r++)
        {
            string? wrong = Numbers.Differ($"row {r} prompt_ids", rows[r].Prompt, Numbers.Ints(prepared[r].GetProperty("prompt_ids")))
                ?? Numbers.Differ($"row {r} chosen_ids", rows[r].Chosen, Numbers.Ints(prepared[r].GetProperty("chosen_ids")))
                ?? Numbers.Differ($"row {r} rejected_ids", rows[r].Rejected, Numbers.Ints(prepared[r].GetProperty("rejected_ids")));
            if (wrong is not null) return wrong;
        }

        return one.GetProperty("batches").EnumerateArray().Select(b => Collated(rows, b)).FirstOrDefault(w => w is not null);
    }

    private static string? Collated(PreferenceRow[] rows, JsonElement one)
    {
        Settings settings = Settings.Of(one);
        var collator = new PreferenceCollator
        {
            PadTokenId = settings.Number("pad_token_id")!.Value,
            MaxLength = settings.Number("max_length"),
            Truncation = settings.Word("truncation_mode") == "keep_end" ? TruncationSide.KeepEnd : TruncationSide.KeepStart,
            PadToMultipleOf = settings.Number("pad_to_multiple_of"),
        };
        settings.RefuseOthers();
        PreferenceBatch batch = collator.Collate(rows);
        foreach (JsonProperty field in one.GetProperty("expected").EnumerateObject())
        {
            int[] ours = field.Name switch
            {
                "input_ids" => batch.InputIds,
                "attention_mask" => batch.AttentionMask,
                "completion_mask" => batch.CompletionMask,
                _ => throw new NotSupportedException($"expected {field.Name}"),
            };
            if (Numbers.Differ(field.Name, ours.Chunk(batch.Columns), Numbers.Rows(field.Value)) is { } wrong) return $"{wrong} ({one.GetProperty("settings")})";
        }

        return null;
    }

    public static string? Extracted(JsonElement one)
    {
        PreferenceExample pair = PreferenceConversions.WithPrompt(CaseRows.Read<PreferenceExample>([one.GetProperty("example")])[0]);
        return Differ(new JsonObject { ["prompt"] = Json(pair.Prompt!), ["chosen"] = Json(pair.Chosen), ["rejected"] = Json(pair.Rejected) }, one.GetProperty("expected"));
    }

    public static string? Unpaired(JsonElement one)
    {
        PreferenceExample[] pairs = CaseRows.Read<PreferenceExample>(one.GetProperty("examples").EnumerateArray());
        var ours = new JsonArray();
        foreach (JudgedExample answer in PreferenceConversions.Unpaired(pairs))
        {
            var row = new JsonObject { ["completion"] = Json(answer.Completion), ["label"] = answer.Label };
            if (answer.Prompt is { } prompt) row["prompt"] = Json(prompt);
            ours.Add(row);
        }

        return Differ(ours, one.GetProperty("expected"));
    }

    public static string? ShareGpt(JsonElement one) => Differ(JsonSerializer.SerializeToNode(ChatMarkup.Of(one.GetProperty("example")))!, one.GetProperty("expected"));

    private static JsonNode Json(Passage passage) => passage.Text is { } text
        ? JsonValue.Create(text)
        : new JsonArray([.. passage.Messages!.Select(m => new JsonObject(m.Fields.Select(f => new KeyValuePair<string, JsonNode?>(f.Key, JsonSerializer.SerializeToNode(f.Value)))))]);

    private static string? Differ(JsonNode ours, JsonElement expected) =>
        JsonNode.DeepEquals(ours, JsonSerializer.SerializeToNode(expected)) ? null : $"{ours.ToJsonString()}, wanted {expected}";
}
