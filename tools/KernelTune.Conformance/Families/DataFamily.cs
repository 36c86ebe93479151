using System.Text.Json;
using KernelTune.Data;
using KernelTune.Text;
using KernelTune.Text.Chat;

namespace KernelTune.Conformance.Families;

/// <summary>data/: supervised fine-tuning's preparation, packing, blocks, masking, preferences, windows of questions, labels of words, and collators.</summary>
public sealed class DataFamily : IFamily
{
    public string Name => "data";

    public bool UsesDevice => false;

    public IEnumerable<string> Cases(string folder) =>
        Directory.EnumerateFiles(folder, "*.json").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal);

    public IEnumerable<Finding> Run(string folder, string name, string device)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, name + ".json")));
        JsonElement root = json.RootElement;
        string kind = root.GetProperty("kind").GetString()!, goldens = Path.GetDirectoryName(Path.GetFullPath(folder))!;
        try
        {
            return kind switch
            {
                "sft" => [Prepared(root, goldens)],
                "packing" => [EachCase(root, Packed)],
                "blocks" => [EachCase(root, Blocks)],
                "collate_sft" => [EachCase(root, CollatedSft)],
                "collate_flatten" => [EachCase(root, CollatedFlat)],
                "collate_padding" => [EachCase(root, c => CollatorCases.Padding(c, goldens))],
                "collate_token_classification" => [EachCase(root, c => CollatorCases.TokenClassification(c, goldens))],
                "collate_seq2seq" => [EachCase(root, c => CollatorCases.Seq2Seq(c, Folder(root, goldens)))],
                "collate_multiple_choice" => [EachCase(root, c => CollatorCases.MultipleChoice(c, Folder(c, goldens)))],
                "mlm" => [EachCase(root, c => MaskingCases.Masked(c, Folder(c, goldens)))],
                "whole_word_mask" => [EachCase(root, c => MaskingCases.WholeWords(c, Folder(c, goldens)))],
                "span_corruption" => [EachCase(root, c => MaskingCases.Spans(c, Folder(root, goldens)))],
                "dpo" => [EachCase(root, c => PreferenceCases.Prepared(c, root, Folder(root, goldens)))],
                "extract_prompt" => [EachCase(root, PreferenceCases.Extracted)],
                "unpair" => [EachCase(root, PreferenceCases.Unpaired)],
                "sharegpt" => [EachCase(root, PreferenceCases.ShareGpt)],
                "squad" => [EachCase(root, c => QuestionCases.Windows(c, Folder(c, goldens)))],
                "token_labels" => [EachCase(root, c => LabelCases.Spread(c, Folder(c, goldens)))],
                _ => [new Finding("", Outcome.Unsupported, $"kind {kind}")],
            };
        }
        catch (NotSupportedException e)
        {
            return [new Finding("", Outcome.Unsupported, e.Message)];
        }
    }

    private static Finding EachCase(JsonElement root, Func<JsonElement, string?> run)
    {
        int number = 0;
        JsonElement[] cases = root.TryGetProperty("cases", out JsonElement several) ? [.. several.EnumerateArray()] : [root];
        foreach (JsonElement one in cases)
        {
            if (run(one) is { } wrong) return new Finding("", Outcome.Fail, $"case {number}: {wrong}");
            number++;
        }

        return new Finding("", Outcome.Pass, $"{number} cases");
    }

    private static string Folder(JsonElement one, string goldens) => Path.Combine(goldens, one.GetProperty("tokenizer").GetString()!);

    private static Packing PackingOf(string? strategy) => strategy switch
    {
        null or "bfd" => Packing.BestFit,
        "bfd_split" => Packing.BestFitSplit,
        "wrapped" => Packing.Wrapped,
        _ => throw new NotSupportedException($"packing strategy {strategy}"),
    };

    private static Finding Prepared(JsonElement root, string goldens)
    {
        string name = root.GetProperty("tokenizer").GetString()!;
        Tokenizer tokenizer = Tokenizer.Load(Path.Combine(goldens, name));
        Settings settings = Settings.Of(root);
        JsonElement rows = root.GetProperty("examples");
        bool packing = settings.Flag("packing");
        string? strategy = settings.Word("packing_strategy");
        var options = new SftOptions
        {
            CompletionOnlyLoss = settings.Flag("completion_only_loss", rows[0].TryGetProperty("prompt", out _)),
            AssistantOnlyLoss = settings.Flag("assistant_only_loss"),
            MaxLength = settings.Number("max_length"),
            Truncation = settings.Word("truncation_mode") switch
            {
                null or "keep_start" => TruncationSide.KeepStart,
                "keep_end" => TruncationSide.KeepEnd,
                string other => throw new NotSupportedException($"truncation_mode {other}"),
            },
            Packing = packing ? PackingOf(strategy) : Packing.None,
            SpecialInContent = true,
        };
        if (settings.Word("dataset_text_field") is { } field and not "text") throw new NotSupportedException($"dataset_text_field {field}");
        settings.RefuseOthers();

        // The library tokenizes the examples of a file one after the other; only packing joins them.
        var clock = new FixedClock(new DateTime(2024, 7, 26, 13, 5, 9));
        ChatTemplate? template = ChatTemplate.Of(tokenizer.Config, clock: clock, text: root.TryGetProperty("chat_template", out JsonElement text) ? text.GetString() : null);
        var preparation = new SftPreparation(new TokenizerEncoder(tokenizer), template, options, name);
        TokenRow[] ours = preparation.Prepare(CaseRows.Read<Example>(rows.EnumerateArray()), new PreparationAccount()).ToArray();
        string? wrong = Compare(ours, root.GetProperty("expected"));
        return wrong is null ? new Finding("", Outcome.Pass, $"{ours.Length} rows") : new Finding("", Outcome.Fail, wrong);
    }

    private static string? Compare(TokenRow[] ours, JsonElement expected)
    {
        JsonElement[] rows = expected.EnumerateArray().ToArray();
        if (ours.Length != rows.Length) return $"{ours.Length} rows, wanted {rows.Length}";
        for (int r = 0; r < rows.Length; r++)
        {
            string? wrong = Numbers.Differ($"row {r} input_ids", ours[r].Ids, Numbers.Ints(rows[r].GetProperty("input_ids"))) ?? Numbers.Differ($"row {r} labels", ours[r].Labels, Numbers.Ints(rows[r].GetProperty("labels")))
                ?? (rows[r].TryGetProperty("seq_lengths", out JsonElement lengths) ? Numbers.Differ($"row {r} seq_lengths", ours[r].SequenceLengths ?? [], Numbers.Ints(lengths)) : null);
            if (wrong is not null) return wrong;
        }

        return null;
    }

    private static string? Packed(JsonElement one)
    {
        Settings settings = Settings.Of(one);
        int maxLength = settings.Number("max_length")!.Value;
        Packing strategy = PackingOf(settings.Word("strategy"));
        settings.RefuseOthers();
        JsonElement examples = one.GetProperty("examples"), expected = one.GetProperty("expected");
        int[][] ids = Numbers.Rows(examples.GetProperty("input_ids")), labels = examples.TryGetProperty("labels", out JsonElement l) ? Numbers.Rows(l) : ids;
        TokenRow[] packed = RowPacking.Pack(ids.Select((x, i) => new TokenRow(i, x, labels[i])), maxLength, strategy).ToArray();
        string? wrong = Numbers.Differ("input_ids", packed.Select(p => p.Ids), Numbers.Rows(expected.GetProperty("input_ids")));
        if (expected.TryGetProperty("labels", out JsonElement wantedLabels)) wrong ??= Numbers.Differ("labels", packed.Select(p => p.Labels), Numbers.Rows(wantedLabels));
        if (expected.TryGetProperty("seq_lengths", out JsonElement lengths)) wrong ??= Numbers.Differ("seq_lengths", packed.Select(p => p.SequenceLengths ?? []), Numbers.Rows(lengths));
        if (wrong is not null || !one.TryGetProperty("position_ids", out JsonElement positions)) return wrong;
        var collator = new SftCollator { PadTokenId = 0, ReturnPositionIds = true };
        return Numbers.Differ("position_ids", packed.Select(p => collator.Collate([p]).PositionIds!), Numbers.Rows(positions));
    }

    private static string? Blocks(JsonElement one)
    {
        TokenRow[] blocks = RowPacking.Blocks(Numbers.Rows(one.GetProperty("examples")).Select(x => new TokenRow(0, x, x)), one.GetProperty("block_size").GetInt32()).ToArray();
        JsonElement expected = one.GetProperty("expected");
        return Numbers.Differ("input_ids", blocks.Select(b => b.Ids), Numbers.Rows(expected.GetProperty("input_ids"))) ?? Numbers.Differ("labels", blocks.Select(b => b.Labels), Numbers.Rows(expected.GetProperty("labels")));
    }

    private static TokenRow[] Examples(JsonElement examples) => examples.EnumerateArray().Select(e =>
    {
        string? other = e.EnumerateObject().Select(p => p.Name).FirstOrDefault(n => n is not ("input_ids" or "labels" or "seq_lengths" or "attention_mask"));
        if (other is not null) throw new NotSupportedException($"field {other} of an example");
        int[] ids = Numbers.Ints(e.GetProperty("input_ids"));
        return new TokenRow(0, ids, e.TryGetProperty("labels", out JsonElement l) ? Numbers.Ints(l) : ids, e.TryGetProperty("seq_lengths", out JsonElement s) ? Numbers.Ints(s) : null);
    }).ToArray();

    private static string? CollatedSft(JsonElement one)
    {
        Settings settings = Settings.Of(one);
        var collator = new SftCollator
        {
            PadTokenId = settings.Number("pad_token_id")!.Value,
            PaddingFree = settings.Flag("padding_free"),
            PadToMultipleOf = settings.Number("pad_to_multiple_of"),
            ReturnPositionIds = settings.Flag("return_position_ids"),
        };
        settings.RefuseOthers();
        return Compare(collator.Collate(Examples(one.GetProperty("examples"))), one.GetProperty("expected"));
    }

    private static string? CollatedFlat(JsonElement one)
    {
        Settings settings = Settings.Of(one);
        var collator = new FlatteningCollator { SeparatorId = settings.Number("separator_id") ?? TokenRow.Ignored, PositionIdsStart = settings.Number("position_ids_start") ?? 0 };
        settings.Flag("return_flash_attn_kwargs");
        settings.Flag("return_seq_idx");
        if (!settings.Flag("return_position_ids", true)) throw new NotSupportedException("setting return_position_ids");
        settings.RefuseOthers();
        return Compare(collator.Collate(Examples(one.GetProperty("examples"))), one.GetProperty("expected"));
    }

    private static string? Compare(Batch batch, JsonElement expected)
    {
        foreach (JsonProperty field in expected.EnumerateObject())
        {
            string? wrong = field.Name switch
            {
                "input_ids" => Matrix(batch.InputIds),
                "labels" => Matrix(batch.Labels),
                "attention_mask" => Matrix(batch.AttentionMask),
                "position_ids" => Matrix(batch.PositionIds),
                "seq_idx" => Numbers.Differ(field.Name, [batch.SequenceIndex ?? []], Numbers.Rows(field.Value)),
                "cu_seq_lens_q" or "cu_seq_lens_k" => Numbers.Differ(field.Name, batch.CuSeqLens ?? [], Numbers.Ints(field.Value)),
                "max_length_q" or "max_length_k" => batch.LongestSequence == field.Value.GetInt32() ? null : $"{field.Name} {batch.LongestSequence}, wanted {field.Value.GetInt32()}",
                _ => throw new NotSupportedException($"expected {field.Name}"),
            };
            if (wrong is not null) return wrong;
            string? Matrix(int[]? values) => values is null
                ? $"{field.Name} is absent"
                : Numbers.Differ(field.Name, Enumerable.Range(0, batch.Rows).Select(r => values[(r * batch.Columns)..((r + 1) * batch.Columns)]), Numbers.Rows(field.Value));
        }

        return null;
    }
}
