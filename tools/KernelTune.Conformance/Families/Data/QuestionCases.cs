using System.Text.Json;
using KernelTune.Data;
using KernelTune.Text;
using KernelTune.Text.Chat;

namespace KernelTune.Conformance.Families;

/// <summary>Question answering: windows of long contexts, and answers out of logits.</summary>
internal static class QuestionCases
{
    private const double Tolerance = 1e-9;

    public static string? Windows(JsonElement one, string folder)
    {
        Settings settings = Settings.Of(one);
        var windows = new QuestionWindows(Tokenizer.Load(folder), settings.Number("max_length")!.Value, settings.Number("stride")!.Value, specialInContent: true);
        settings.RefuseOthers();
        QuestionExample[] examples = [.. one.GetProperty("examples").EnumerateArray().Select(Example)];
        QuestionWindow[] ours = [.. examples.SelectMany((e, i) => windows.Of(e, i))];
        JsonElement[] features = [.. one.GetProperty("features").EnumerateArray()];
        if (ours.Length != features.Length) return $"{ours.Length} windows, wanted {features.Length}";
        for (int w = 0; w < ours.Length; w++)
            if (Differ(ours[w], features[w]) is { } wrong) return $"window {w}: {wrong}";

        double[][] starts = Reals(one.GetProperty("start_logits")), ends = Reals(one.GetProperty("end_logits"));
        foreach (JsonElement answers in one.GetProperty("answers").EnumerateArray())
        {
            Settings how = Settings.Of(answers);
            var finder = new SpanAnswers
            {
                BestSize = how.Number("n_best_size") ?? 20,
                MaxAnswerLength = how.Number("max_answer_length") ?? 30,
                AllowNone = how.Flag("version_2"),
                NullScoreDiffThreshold = how.Real("null_score_diff_threshold") ?? 0,
            };
            how.RefuseOthers();
            JsonElement[] expected = [.. answers.GetProperty("expected").EnumerateArray()];
            for (int e = 0; e < examples.Length; e++)
            {
                QuestionAnswer answer = finder.Of(examples[e].Context, [.. ours.Select((w, i) => (w, i)).Where(p => p.w.Example == e).Select(p => (p.w.Offsets, starts[p.i], ends[p.i]))]);
                if (Differ(answer, expected[e]) is { } wrong) return $"example {e}, {answers.GetProperty("settings")}: {wrong}";
            }
        }

        return null;
    }

    private static QuestionExample Example(JsonElement one, int number)
    {
        JsonElement answers = one.GetProperty("answers");
        string[] texts = [.. answers.GetProperty("text").EnumerateArray().Select(t => t.GetString()!)];
        int[] starts = Numbers.Ints(answers.GetProperty("answer_start"));
        return new QuestionExample(number + 1, "", one.GetProperty("question").GetString()!, one.GetProperty("context").GetString()!, [.. texts.Zip(starts)]);
    }

    private static string? Differ(QuestionWindow ours, JsonElement wanted)
    {
        string? wrong = Numbers.Differ("input_ids", ours.Encoding.Ids, Numbers.Ints(wanted.GetProperty("input_ids")))
            ?? Numbers.Differ("attention_mask", ours.Encoding.AttentionMask, Numbers.Ints(wanted.GetProperty("attention_mask")))
            ?? Numbers.Differ("positions", [ours.Start, ours.End], [wanted.GetProperty("start_position").GetInt32(), wanted.GetProperty("end_position").GetInt32()]);
        if (wanted.TryGetProperty("token_type_ids", out JsonElement types)) wrong ??= Numbers.Differ("token_type_ids", ours.Encoding.TypeIds, Numbers.Ints(types));
        if (ours.Example != wanted.GetProperty("example").GetInt32()) wrong ??= $"example {ours.Example}";
        int[][] offsets = [.. wanted.GetProperty("offsets").EnumerateArray().Select(o => o.ValueKind == JsonValueKind.Null ? [] : Numbers.Ints(o))];
        return wrong ?? Numbers.Differ("offsets", ours.Offsets.Select(o => o is { } span ? [span.Start, span.End] : (int[])[]), offsets);
    }

    private static string? Differ(QuestionAnswer ours, JsonElement wanted)
    {
        if (ours.Answer != wanted.GetProperty("answer").GetString()) return $"answer \"{ours.Answer}\", wanted {wanted.GetProperty("answer")}";
        if (wanted.TryGetProperty("null_score_difference", out JsonElement difference) && !Close(ours.NullScoreDifference ?? double.NaN, difference.GetDouble()))
            return $"null_score_difference {ours.NullScoreDifference}, wanted {difference}";
        JsonElement[] best = [.. wanted.GetProperty("n_best").EnumerateArray()];
        if (best.Length != ours.Best.Count) return $"{ours.Best.Count} answers, wanted {best.Length}";
        for (int i = 0; i < best.Length; i++)
        {
            SpanAnswer answer = ours.Best[i];
            if (answer.Text != best[i].GetProperty("text").GetString() || !Close(answer.StartLogit, best[i].GetProperty("start_logit").GetDouble())
                || !Close(answer.EndLogit, best[i].GetProperty("end_logit").GetDouble()) || !Close(answer.Probability, best[i].GetProperty("probability").GetDouble()))
                return $"answer {i} is {answer}, wanted {best[i]}";
        }

        return null;
    }

    private static bool Close(double ours, double wanted) => Math.Abs(ours - wanted) <= Tolerance * Math.Max(1, Math.Abs(wanted));

    private static double[][] Reals(JsonElement matrix) => [.. matrix.EnumerateArray().Select(r => r.EnumerateArray().Select(x => x.GetDouble()).ToArray())];
}
