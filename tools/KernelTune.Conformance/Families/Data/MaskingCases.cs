using System.Text.Json;
using KernelTune.Data;
using KernelTune.Text;

namespace KernelTune.Conformance.Families;

/// <summary>Masked language modelling, whole words, and T5's spans, with the draws given.</summary>
internal static class MaskingCases
{
    public static string? Masked(JsonElement one, string folder)
    {
        Settings settings = Settings.Of(one);
        Tokenizer tokenizer = Tokenizer.Load(folder);
        var masking = new TokenMasking
        {
            MaskTokenId = tokenizer.TokenToId(tokenizer.Config.MaskToken!)!.Value,
            VocabularySize = tokenizer.VocabSize,
            MaskReplaceProb = settings.Real("mask_replace_prob") ?? 0.8,
            RandomReplaceProb = settings.Real("random_replace_prob") ?? 0.1,
        };
        settings.Real("mlm_probability");      // the draws are given
        settings.RefuseOthers();
        TokenEncoding[] rows = Padded(one, tokenizer);
        JsonElement expected = one.GetProperty("expected");
        bool[][] chosen = Flags(one, "chosen"), replaced = Flags(one, "replaced"), random = Flags(one, "random");
        int[][] randomIds = Numbers.Rows(one.GetProperty("random_ids"));
        (int[] Ids, int[] Labels)[] ours = [.. rows.Select((row, r) => masking.Apply(row.Ids, row.SpecialTokensMask, new MaskDraws(chosen[r], replaced[r], random[r], randomIds[r])))];
        string? wrong = Numbers.Differ("input_ids", ours.Select(o => o.Ids), Numbers.Rows(expected.GetProperty("input_ids")))
            ?? Numbers.Differ("labels", ours.Select(o => o.Labels), Numbers.Rows(expected.GetProperty("labels")));
        if (expected.TryGetProperty("attention_mask", out JsonElement mask)) wrong ??= Numbers.Differ("attention_mask", rows.Select(r => r.AttentionMask), Numbers.Rows(mask));
        if (expected.TryGetProperty("token_type_ids", out JsonElement types)) wrong ??= Numbers.Differ("token_type_ids", rows.Select(r => r.TypeIds), Numbers.Rows(types));
        return wrong;
    }

    public static string? WholeWords(JsonElement one, string folder)
    {
        TokenEncoding[] rows = Padded(one, Tokenizer.Load(folder));
        bool[][] chosen = Flags(one, "chosen");
        Words[] words = [.. rows.Select(r => Words.Of(Array.ConvertAll(r.Offsets, o => (o.Start, o.End)), r.SpecialTokensMask))];
        return Numbers.Differ("input_ids", rows.Select(r => r.Ids), Numbers.Rows(one.GetProperty("input_ids")))
            ?? Numbers.Differ("word_ids", words.Select(w => w.Ids), Numbers.Rows(one.GetProperty("word_ids")))
            ?? Numbers.Differ("word_starts", words.Select(w => Ones(w.Starts)), Numbers.Rows(one.GetProperty("word_starts")))
            ?? Numbers.Differ("expected_mask", words.Select((w, r) => Ones(w.Spread(chosen[r]))), Numbers.Rows(one.GetProperty("expected_mask")));
    }

    public static string? Spans(JsonElement one, string folder)
    {
        Tokenizer tokenizer = Tokenizer.Load(folder);
        int[] ids = tokenizer.EncodeIds(one.GetProperty("text").GetString()!, addSpecialTokens: false);
        (int, int)[] spans = [.. Numbers.Rows(one.GetProperty("spans")).Select(s => (s[0], s[1]))];
        var corruption = new SpanCorruption { Sentinels = SpanCorruption.SentinelsOf(tokenizer), EndTokenId = tokenizer.EosId!.Value };
        var (input, labels) = corruption.Apply(ids, spans);
        int[] shorter = (corruption with { FinalSentinel = false }).Apply(ids, spans).Labels;
        return Numbers.Differ("ids", ids, Numbers.Ints(one.GetProperty("ids")))
            ?? Numbers.Differ("input_ids", input, Numbers.Ints(one.GetProperty("input_ids")))
            ?? Numbers.Differ("labels", labels, Numbers.Ints(one.GetProperty("labels")))
            ?? Numbers.Differ("labels_without_final_sentinel", shorter, Numbers.Ints(one.GetProperty("labels_without_final_sentinel")))
            ?? Text("input_text", input) ?? Text("label_text", labels);

        string? Text(string name, int[] tokens) => tokenizer.Decode(tokens, skipSpecialTokens: false) is var text && text == one.GetProperty(name).GetString()
            ? null
            : $"{name} is {text}";
    }

    /// <summary>The texts as one batch, padded on the tokenizer's side.</summary>
    private static TokenEncoding[] Padded(JsonElement one, Tokenizer tokenizer)
    {
        var padding = new Padding(tokenizer.PadId!.Value, tokenizer.Config.PadToken!, Direction: tokenizer.Config.PaddingSide);
        return tokenizer.EncodeBatch([.. one.GetProperty("texts").EnumerateArray().Select(t => t.GetString()!)], options: new EncodeOptions { Padding = padding });
    }

    private static bool[][] Flags(JsonElement one, string name) => [.. Numbers.Rows(one.GetProperty(name)).Select(r => Array.ConvertAll(r, n => n != 0))];

    private static int[] Ones(bool[] flags) => Array.ConvertAll(flags, f => f ? 1 : 0);
}
