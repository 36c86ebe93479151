using System.Text.Json;
using KernelTune.Data;

namespace KernelTune.Conformance.Families;

/// <summary>Transformers' padding collators.</summary>
internal static class CollatorCases
{
    public static string? Padding(JsonElement one, string goldens)
    {
        Settings settings = Settings.Of(one);
        string folder = Path.Combine(goldens, one.GetProperty("tokenizer").GetString()!);
        PaddingCollator collator = Collator(settings, folder, settings.Word("padding_side"));
        settings.RefuseOthers();
        Dictionary<string, int[][]> batch = collator.Collate(Features(one));
        // Feature i has label i, a number and no row: nothing is collated.
        return Differ(batch, one.GetProperty("expected"), "labels");
    }

    private static int PadTokenId(string folder)
    {
        // Not through Tokenizer: the case pads ids that are given, also those of tokenizers that are not built yet.
        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "tokenizer_config.json")));
        JsonElement padding = config.RootElement.GetProperty("pad_token");
        string pad = (padding.ValueKind == JsonValueKind.Object ? padding.GetProperty("content") : padding).GetString()!;
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")));
        foreach (JsonElement token in json.RootElement.GetProperty("added_tokens").EnumerateArray())
            if (token.GetProperty("content").ValueEquals(pad)) return token.GetProperty("id").GetInt32();
        throw new NotSupportedException($"the padding token {pad} is no added token");
    }

    public static string? TokenClassification(JsonElement one, string goldens)
    {
        Settings settings = Settings.Of(one);
        PaddingCollator padding = Collator(settings, Path.Combine(goldens, one.GetProperty("tokenizer").GetString()!), settings.Word("padding_side"));
        var collator = new TokenClassificationCollator(padding) { LabelPadTokenId = settings.Number("label_pad_token_id") ?? TokenRow.Ignored };
        settings.RefuseOthers();
        return Differ(collator.Collate(Features(one)), one.GetProperty("expected"));
    }

    public static string? Seq2Seq(JsonElement one, string folder)
    {
        Settings settings = Settings.Of(one);
        PaddingCollator padding = Collator(settings, folder, settings.Word("padding_side") ?? Side(folder));
        var collator = new Seq2SeqCollator(padding)
        {
            LabelPadTokenId = settings.Number("label_pad_token_id") ?? TokenRow.Ignored,
            DecoderStartTokenId = settings.Number("decoder_start_token_id"),
        };
        settings.RefuseOthers();
        return Differ(collator.Collate(Features(one)), one.GetProperty("expected"));
    }

    public static string? MultipleChoice(JsonElement one, string folder)
    {
        Settings settings = Settings.Of(one);
        var collator = new MultipleChoiceCollator(Collator(settings, folder, settings.Word("padding_side") ?? Side(folder)));
        settings.RefuseOthers();
        ChoiceRow[] rows = [.. one.GetProperty("features").EnumerateArray().Select(Choices)];
        JsonElement expected = one.GetProperty("expected");
        ChoiceBatch batch = collator.Collate(rows);
        string? wrong = Numbers.Differ("labels", batch.Labels, Numbers.Ints(expected.GetProperty("labels")));
        foreach (JsonProperty field in expected.EnumerateObject().Where(f => f.Name != "labels"))
        {
            JsonElement[] questions = [.. field.Value.EnumerateArray()];
            if (!batch.Columns.TryGetValue(field.Name, out int[][][]? ours) || ours.Length != questions.Length) return $"{field.Name} has not {questions.Length} rows";
            for (int r = 0; r < questions.Length; r++) wrong ??= Numbers.Differ($"{field.Name} row {r}", ours[r], Numbers.Rows(questions[r]));
        }

        return wrong;
    }

    private static ChoiceRow Choices(JsonElement feature)
    {
        JsonProperty[] columns = [.. feature.EnumerateObject().Where(p => p.Value.ValueKind == JsonValueKind.Array)];
        int choices = columns[0].Value.GetArrayLength();
        IReadOnlyDictionary<string, int[]>[] each = [.. Enumerable.Range(0, choices).Select(c => columns.ToDictionary(p => p.Name, p => Numbers.Ints(p.Value[c])))];
        return new ChoiceRow(each, (feature.TryGetProperty("label", out JsonElement label) ? label : feature.GetProperty("labels")).GetInt32());
    }

    private static PaddingCollator Collator(Settings settings, string folder, string? side)
    {
        PaddingTarget target = settings.Find("padding") switch
        {
            null => PaddingTarget.Longest,
            { ValueKind: JsonValueKind.True } => PaddingTarget.Longest,
            { ValueKind: JsonValueKind.False } => PaddingTarget.None,
            { ValueKind: JsonValueKind.String } word => word.GetString() switch
            {
                "longest" => PaddingTarget.Longest,
                "max_length" => PaddingTarget.MaxLength,
                "do_not_pad" => PaddingTarget.None,
                string other => throw new NotSupportedException($"padding {other}"),
                _ => PaddingTarget.Longest,
            },
            _ => throw new NotSupportedException("padding"),
        };
        return new PaddingCollator
        {
            PadTokenId = PadTokenId(folder),
            PadLeft = side == "left",
            Padding = target,
            MaxLength = settings.Number("max_length"),
            PadToMultipleOf = settings.Number("pad_to_multiple_of"),
        };
    }

    private static Dictionary<string, int[]>[] Features(JsonElement one) => [.. one.GetProperty("features").EnumerateArray()
        .Select(f => f.EnumerateObject().ToDictionary(p => p.Name, p => Numbers.Ints(p.Value)))];

    private static string? Differ(IReadOnlyDictionary<string, int[][]> batch, JsonElement expected, string? but = null)
    {
        foreach (JsonProperty field in expected.EnumerateObject().Where(f => f.Name != but))
        {
            if (!batch.TryGetValue(field.Name, out int[][]? ours)) return $"{field.Name} is absent";
            if (Numbers.Differ(field.Name, ours, Numbers.Rows(field.Value)) is { } wrong) return wrong;
        }

        return null;
    }

    private static string? Side(string folder)
    {
        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "tokenizer_config.json")));
        return config.RootElement.TryGetProperty("padding_side", out JsonElement side) ? side.GetString() : null;
    }
}
