using System.Text.Json;
using KernelTune.Data;
using KernelTune.Text;
using KernelTune.Text.Chat;

namespace KernelTune.Conformance.Families;

/// <summary>data/: supervised fine-tuning's preparation, packing, blocks and collators. Preference data, masking and windows come later.</summary>
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
                "collate_padding" => [EachCase(root, c => CollatedPadding(c, goldens))],
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
        foreach (JsonElement one in root.GetProperty("cases").EnumerateArray())
        {
            if (run(one) is { } wrong) return new Finding("", Outcome.Fail, $"case {number}: {wrong}");
            number++;
        }

        return new Finding("", Outcome.Pass, $"{number} cases");
    }

    /// <summary>The settings, all of which must be asked for by name.</summary>
    private sealed class Settings(JsonElement json)
    {
        private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

        public JsonElement? Find(string name)
        {
            _asked.Add(name);
            return json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
        }

        public bool Flag(string name, bool absent = false) => Find(name)?.GetBoolean() ?? absent;

        public int? Number(string name) => Find(name)?.GetInt32();

        public string? Word(string name) => Find(name)?.GetString();

        public void RefuseOthers()
        {
            if (json.ValueKind != JsonValueKind.Object) return;
            string? other = json.EnumerateObject().Select(p => p.Name).FirstOrDefault(n => !_asked.Contains(n));
            if (other is not null) throw new NotSupportedException($"setting {other}");
        }
    }

    private static Settings SettingsOf(JsonElement one) => new(one.TryGetProperty("settings", out JsonElement s) ? s : default);

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
        Settings settings = SettingsOf(root);
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
        string file = Path.Combine(Path.GetTempPath(), $"kerneltune-{Guid.NewGuid():N}.jsonl");
        try
        {
            File.WriteAllLines(file, rows.EnumerateArray().Select(OneLine));
            var preparation = new SftPreparation(new TokenizerEncoder(tokenizer), template, options, name);
            TokenRow[] ours = preparation.Prepare(JsonLinesFile.Read(file, new ReadOptions(), new ReadAccount()), new PreparationAccount()).ToArray();
            string? wrong = Compare(ours, root.GetProperty("expected"));
            return wrong is null ? new Finding("", Outcome.Pass, $"{ours.Length} rows") : new Finding("", Outcome.Fail, wrong);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>The JSON of a row on one line: what the goldens spread over several is the same value.</summary>
    private static string OneLine(JsonElement row)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream)) row.WriteTo(writer);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    private static string? Compare(TokenRow[] ours, JsonElement expected)
    {
        JsonElement[] rows = expected.EnumerateArray().ToArray();
        if (ours.Length != rows.Length) return $"{ours.Length} rows, wanted {rows.Length}";
        for (int r = 0; r < rows.Length; r++)
        {
            string? wrong = Differ($"row {r} input_ids", ours[r].Ids, Ints(rows[r].GetProperty("input_ids"))) ?? Differ($"row {r} labels", ours[r].Labels, Ints(rows[r].GetProperty("labels")))
                ?? (rows[r].TryGetProperty("seq_lengths", out JsonElement lengths) ? Differ($"row {r} seq_lengths", ours[r].SequenceLengths ?? [], Ints(lengths)) : null);
            if (wrong is not null) return wrong;
        }

        return null;
    }

    private static string? Packed(JsonElement one)
    {
        Settings settings = SettingsOf(one);
        int maxLength = settings.Number("max_length")!.Value;
        Packing strategy = PackingOf(settings.Word("strategy"));
        settings.RefuseOthers();
        JsonElement examples = one.GetProperty("examples"), expected = one.GetProperty("expected");
        int[][] ids = Rows(examples.GetProperty("input_ids")), labels = examples.TryGetProperty("labels", out JsonElement l) ? Rows(l) : ids;
        TokenRow[] packed = RowPacking.Pack(ids.Select((x, i) => new TokenRow(i, x, labels[i])), maxLength, strategy).ToArray();
        string? wrong = Differ("input_ids", packed.Select(p => p.Ids), Rows(expected.GetProperty("input_ids")));
        if (expected.TryGetProperty("labels", out JsonElement wantedLabels)) wrong ??= Differ("labels", packed.Select(p => p.Labels), Rows(wantedLabels));
        if (expected.TryGetProperty("seq_lengths", out JsonElement lengths)) wrong ??= Differ("seq_lengths", packed.Select(p => p.SequenceLengths ?? []), Rows(lengths));
        if (wrong is not null || !one.TryGetProperty("position_ids", out JsonElement positions)) return wrong;
        var collator = new SftCollator { PadTokenId = 0, ReturnPositionIds = true };
        return Differ("position_ids", packed.Select(p => collator.Collate([p]).PositionIds!), Rows(positions));
    }

    private static string? Blocks(JsonElement one)
    {
        TokenRow[] blocks = RowPacking.Blocks(Rows(one.GetProperty("examples")).Select(x => new TokenRow(0, x, x)), one.GetProperty("block_size").GetInt32()).ToArray();
        JsonElement expected = one.GetProperty("expected");
        return Differ("input_ids", blocks.Select(b => b.Ids), Rows(expected.GetProperty("input_ids"))) ?? Differ("labels", blocks.Select(b => b.Labels), Rows(expected.GetProperty("labels")));
    }

    private static TokenRow[] Examples(JsonElement examples) => examples.EnumerateArray().Select(e =>
    {
        string? other = e.EnumerateObject().Select(p => p.Name).FirstOrDefault(n => n is not ("input_ids" or "labels" or "seq_lengths" or "attention_mask"));
        if (other is not null) throw new NotSupportedException($"field {other} of an example");
        int[] ids = Ints(e.GetProperty("input_ids"));
        return new TokenRow(0, ids, e.TryGetProperty("labels", out JsonElement l) ? Ints(l) : ids, e.TryGetProperty("seq_lengths", out JsonElement s) ? Ints(s) : null);
    }).ToArray();

    private static string? CollatedSft(JsonElement one)
    {
        Settings settings = SettingsOf(one);
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
        Settings settings = SettingsOf(one);
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
                "seq_idx" => Differ(field.Name, [batch.SequenceIndex ?? []], Rows(field.Value)),
                "cu_seq_lens_q" or "cu_seq_lens_k" => Differ(field.Name, batch.CuSeqLens ?? [], Ints(field.Value)),
                "max_length_q" or "max_length_k" => batch.LongestSequence == field.Value.GetInt32() ? null : $"{field.Name} {batch.LongestSequence}, wanted {field.Value.GetInt32()}",
                _ => throw new NotSupportedException($"expected {field.Name}"),
            };
            if (wrong is not null) return wrong;
            string? Matrix(int[]? values) => values is null
                ? $"{field.Name} is absent"
                : Differ(field.Name, Enumerable.Range(0, batch.Rows).Select(r => values[(r * batch.Columns)..((r + 1) * batch.Columns)]), Rows(field.Value));
        }

        return null;
    }

    private static string? CollatedPadding(JsonElement one, string goldens)
    {
        Settings settings = SettingsOf(one);
        string folder = Path.Combine(goldens, one.GetProperty("tokenizer").GetString()!);
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
        var collator = new PaddingCollator
        {
            PadTokenId = PadTokenId(folder),
            PadLeft = settings.Word("padding_side") == "left",
            Padding = target,
            MaxLength = settings.Number("max_length"),
            PadToMultipleOf = settings.Number("pad_to_multiple_of"),
        };
        settings.RefuseOthers();
        Dictionary<string, int[]>[] features = one.GetProperty("features").EnumerateArray()
            .Select(f => f.EnumerateObject().ToDictionary(p => p.Name, p => Ints(p.Value))).ToArray();
        IReadOnlyDictionary<string, int[][]> batch = collator.Collate(features);
        foreach (JsonProperty field in one.GetProperty("expected").EnumerateObject())
        {
            if (field.Name == "labels") continue;       // feature i has label i: nothing is collated
            if (!batch.TryGetValue(field.Name, out int[][]? ours)) return $"{field.Name} is absent";
            if (Differ(field.Name, ours, Rows(field.Value)) is { } wrong) return wrong;
        }

        return null;
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

    private static int[] Ints(JsonElement list) => list.EnumerateArray().Select(e => e.GetInt32()).ToArray();

    private static int[][] Rows(JsonElement list) => list.EnumerateArray().Select(Ints).ToArray();

    private static string? Differ(string what, IEnumerable<int[]> ours, int[][] wanted)
    {
        int[][] rows = ours.ToArray();
        if (rows.Length != wanted.Length) return $"{what}: {rows.Length} rows, wanted {wanted.Length}";
        for (int r = 0; r < rows.Length; r++)
            if (Differ($"{what} row {r}", rows[r], wanted[r]) is { } wrong) return wrong;
        return null;
    }

    private static string? Differ(string what, int[] ours, int[] wanted)
    {
        int at = ours.AsSpan().CommonPrefixLength(wanted);
        if (at == ours.Length && at == wanted.Length) return null;
        string One(int[] values) => at < values.Length ? values[at].ToString(System.Globalization.CultureInfo.InvariantCulture) : "the end";
        return $"{what}: {One(ours)} at {at}, wanted {One(wanted)}";
    }
}
