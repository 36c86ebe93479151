using System.Text.Json;
using System.Text.Json.Nodes;
using KernelTune.Evaluation.Metrics;
using KernelTune.Evaluation.Metrics.Text;

namespace KernelTune.Conformance.Families;

/// <summary>One case of metrics/ that scores texts, tags or log-probabilities, computed.</summary>
internal static class TextMetricCases
{
    private static readonly string[] RougeKinds = ["rouge1", "rouge2", "rouge3", "rougeL", "rougeLsum"];

    /// <exception cref="NotSupportedException">The metric, or a setting of it, is not known.</exception>
    public static JsonNode Compute(string metric, JsonElement inputs, JsonElement settings)
    {
        switch (metric)
        {
            case "bleu_corpus": return Score(Bleu.Corpus(Texts(inputs, "hypotheses"), BySegment(inputs), BleuOf(settings)));
            case "bleu_sentence": return Score(Bleu.Sentence(Text(inputs, "hypothesis"), Texts(inputs, "references"), BleuOf(settings)));
            case "bleu_tokenize": return BleuTokenizer.Apply(Text(inputs, "text"), Tokenization(settings));
            case "chrf_corpus": return Chrf.Corpus(Texts(inputs, "hypotheses"), BySegment(inputs), ChrfOf(settings));
            case "chrf_sentence": return Chrf.Sentence(Text(inputs, "hypothesis"), Texts(inputs, "references"), ChrfOf(settings));
            case "ter_corpus": return Score(Ter.Corpus(Texts(inputs, "hypotheses"), BySegment(inputs), TerOf(settings)));
            case "ter_sentence": return Score(Ter.Sentence(Text(inputs, "hypothesis"), Texts(inputs, "references"), TerOf(settings)));
            case "rouge": return Rouges(settings, Text(inputs, "hypothesis"), [Text(inputs, "reference")]);
            case "rouge_best": return Rouges(settings, Text(inputs, "hypothesis"), Texts(inputs, "references"));
            case "porter_stem": return List(Texts(inputs, "words").Select(w => (JsonNode)PorterStemmer.Stem(w)));
            case "meteor":
                return new Meteor(settings.GetProperty("alpha").GetDouble(), settings.GetProperty("beta").GetDouble(), settings.GetProperty("gamma").GetDouble()).Score(Texts(inputs, "hypothesis"), Lists(inputs.GetProperty("references")));
            case "normalize": return ExactMatch.Normalize(Text(inputs, "text"));
            case "squad_v1":
                return new JsonObject { ["exact_match"] = AnswerScores.Exact(Text(inputs, "prediction"), Texts(inputs, "answers")), ["f1"] = AnswerScores.F1(Text(inputs, "prediction"), Texts(inputs, "answers")) };
            case "squad_v2": return Answers(inputs, settings);
            case "wer": return Rates(ErrorRate.OfWords(Text(inputs, "reference"), Text(inputs, "hypothesis")), "wer");
            case "cer": return Rates(ErrorRate.OfCharacters(Text(inputs, "reference"), Text(inputs, "hypothesis")), "cer");
            case "wer_corpus": return Rates(Summed(inputs, ErrorRate.OfWords), "wer");
            case "cer_corpus": return Summed(inputs, ErrorRate.OfCharacters).Rate;
            case "distinct_n": return Diversity.Distinct(Lists(inputs.GetProperty("texts")), settings.GetProperty("n").GetInt32());
            case "cider_d":
                var (score, each) = new Cider(settings.GetProperty("n").GetInt32(), settings.GetProperty("sigma").GetDouble()).Score(Texts(inputs, "hypotheses"), Lists(inputs.GetProperty("references")));
                return new JsonObject { ["score"] = score, ["each"] = List(each.Select(e => (JsonNode)e)) };
            case "get_entities": return List(EntityScores.Find(Texts(inputs, "tags"), Scheme(settings)).Select(e => (JsonNode)new JsonArray(e.Type, e.Start, e.End)));
            case "entity_f1": return Averaged(Entities(inputs, settings), settings.GetProperty("average").GetString()!);
            case "entity_report": return Report(Entities(inputs, settings));
            case "token_accuracy": return Entities(inputs, settings).TokenAccuracy;
            case "perplexity": return Perplexity(inputs);
            case "perplexity_from_logits": return PerplexityOfLogits(inputs);
            default: throw new NotSupportedException($"the metric {metric} is not built in");
        }
    }

    private static string Text(JsonElement inputs, string name) => inputs.GetProperty(name).GetString()!;

    private static string[] Texts(JsonElement inputs, string name) => Texts(inputs.GetProperty(name));

    private static string[] Texts(JsonElement list) => [.. list.EnumerateArray().Select(t => t.GetString()!)];

    private static string[][] Lists(JsonElement lists) => [.. lists.EnumerateArray().Select(Texts)];

    private static JsonArray List(IEnumerable<JsonNode> nodes) => new([.. nodes]);

    /// <summary>references[stream][segment] as references[segment][stream].</summary>
    private static string[][] BySegment(JsonElement inputs)
    {
        string[][] streams = Lists(inputs.GetProperty("references"));
        return [.. Enumerable.Range(0, streams[0].Length).Select(s => streams.Select(stream => stream[s]).ToArray())];
    }

    private static BleuTokenization Tokenization(JsonElement settings) => (settings.TryGetProperty("tokenize", out JsonElement name) ? name.GetString() : "13a") switch
    {
        "13a" => BleuTokenization.V13a,
        "intl" => BleuTokenization.International,
        "char" => BleuTokenization.Character,
        "zh" => BleuTokenization.Chinese,
        "none" => BleuTokenization.None,
        var other => throw new NotSupportedException($"BLEU's tokenizer {other}"),
    };

    private static BleuSettings BleuOf(JsonElement settings)
    {
        Known(settings, "tokenize", "lowercase", "smooth_method", "smooth_value", "max_ngram_order", "effective_order", "signature");
        return new BleuSettings
        {
            Tokenization = Tokenization(settings),
            Lowercase = Flag(settings, "lowercase"),
            Smoothing = (settings.TryGetProperty("smooth_method", out JsonElement method) ? method.GetString() : "exp") switch
            {
                "exp" => BleuSmoothing.Exponential,
                "floor" => BleuSmoothing.Floor,
                "add-k" => BleuSmoothing.AddK,
                "none" => BleuSmoothing.None,
                var other => throw new NotSupportedException($"BLEU's smoothing {other}"),
            },
            SmoothValue = settings.TryGetProperty("smooth_value", out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null,
            MaxOrder = Number(settings, "max_ngram_order", 4),
            EffectiveOrder = Flag(settings, "effective_order"),
        };
    }

    private static ChrfSettings ChrfOf(JsonElement settings)
    {
        Known(settings, "char_order", "word_order", "beta", "lowercase", "whitespace", "eps_smoothing");
        return new ChrfSettings
        {
            CharacterOrder = Number(settings, "char_order", 6),
            WordOrder = Number(settings, "word_order", 0),
            Beta = settings.TryGetProperty("beta", out JsonElement beta) ? beta.GetDouble() : 2,
            Lowercase = Flag(settings, "lowercase"),
            Whitespace = Flag(settings, "whitespace"),
            EpsSmoothing = Flag(settings, "eps_smoothing"),
        };
    }

    private static TerSettings TerOf(JsonElement settings)
    {
        Known(settings, "normalized", "no_punct", "case_sensitive", "asian_support");
        return new TerSettings
        {
            Normalized = Flag(settings, "normalized"), NoPunctuation = Flag(settings, "no_punct"), CaseSensitive = Flag(settings, "case_sensitive"), AsianSupport = Flag(settings, "asian_support"),
        };
    }

    private static void Known(JsonElement settings, params string[] names)
    {
        if (settings.EnumerateObject().Select(s => s.Name).FirstOrDefault(n => !names.Contains(n)) is { } other) throw new NotSupportedException($"the setting {other}");
    }

    private static bool Flag(JsonElement settings, string name) => settings.TryGetProperty(name, out JsonElement value) && value.GetBoolean();

    private static int Number(JsonElement settings, string name, int otherwise) => settings.TryGetProperty(name, out JsonElement value) ? value.GetInt32() : otherwise;

    private static JsonObject Score(BleuScore s) => new()
    {
        ["score"] = s.Score, ["counts"] = Numbers(s.Counts), ["totals"] = Numbers(s.Totals), ["precisions"] = Numbers(s.Precisions), ["bp"] = s.BrevityPenalty, ["sys_len"] = s.HypothesisLength, ["ref_len"] = s.ReferenceLength,
    };

    private static JsonObject Score(TerScore s) => new() { ["score"] = s.Score, ["num_edits"] = s.Edits, ["ref_length"] = s.ReferenceLength };

    private static JsonArray Numbers(IEnumerable<double> values) => List(values.Select(v => (JsonNode)v));

    private static JsonObject Rouges(JsonElement settings, string hypothesis, string[] references)
    {
        var rouge = new Rouge(Flag(settings, "use_stemmer"));
        var result = new JsonObject();
        foreach (string kind in RougeKinds)
        {
            PrecisionRecall best = references.Select(r => kind switch
            {
                "rougeL" => rouge.ScoreLongest(hypothesis, r),
                "rougeLsum" => rouge.ScoreSummary(hypothesis, r),
                _ => rouge.Score(hypothesis, r, kind[^1] - '0'),
            }).MaxBy(s => s.F1);
            result[kind] = new JsonObject { ["precision"] = best.Precision, ["recall"] = best.Recall, ["f1"] = best.F1 };
        }

        return result;
    }

    private static JsonObject Answers(JsonElement inputs, JsonElement settings)
    {
        AnswerReport report = AnswerScores.Report(
            [.. inputs.GetProperty("examples").EnumerateArray().Select(e => new JudgedAnswer(Text(e, "prediction"), Texts(e, "answers"), e.GetProperty("no_answer_probability").GetDouble()))],
            settings.GetProperty("no_answer_threshold").GetDouble());
        return new JsonObject
        {
            ["exact"] = report.Exact, ["f1"] = report.F1, ["HasAns_exact"] = report.HasAnswerExact, ["HasAns_f1"] = report.HasAnswerF1, ["NoAns_exact"] = report.NoAnswerExact, ["NoAns_f1"] = report.NoAnswerF1,
        };
    }

    private static ErrorRate Summed(JsonElement inputs, Func<string, string, ErrorRate> rate) =>
        Texts(inputs, "references").Zip(Texts(inputs, "hypotheses"), rate).Aggregate(default(ErrorRate), (a, b) => a + b);

    private static JsonObject Rates(ErrorRate r, string name) => new()
    {
        [name] = r.Rate, ["mer"] = r.MatchErrorRate, ["wil"] = r.InformationLost, ["wip"] = r.InformationPreserved,
        ["hits"] = r.Hits, ["substitutions"] = r.Substitutions, ["deletions"] = r.Deletions, ["insertions"] = r.Insertions,
    };

    private static TagScheme Scheme(JsonElement settings) => settings.TryGetProperty("mode", out JsonElement mode) && mode.GetString() == "strict" ? settings.GetProperty("scheme").GetString() switch
    {
        "IOB2" => TagScheme.Iob2,
        "IOBES" => TagScheme.Iobes,
        "BILOU" => TagScheme.Bilou,
        var other => throw new NotSupportedException($"the scheme {other}"),
    } : TagScheme.Conll;

    private static EntityScores Entities(JsonElement inputs, JsonElement settings) => new(Lists(inputs.GetProperty("y_true")), Lists(inputs.GetProperty("y_pred")), Scheme(settings));

    private static JsonObject Averaged(EntityScores scores, string average)
    {
        var (p, r, f) = average switch
        {
            "micro" => (scores.Micro.Precision, scores.Micro.Recall, scores.Micro.F1),
            "macro" => scores.Macro,
            "weighted" => scores.Weighted,
            var other => throw new NotSupportedException($"the average {other}"),
        };
        return new JsonObject { ["precision"] = p, ["recall"] = r, ["f1"] = f };
    }

    private static JsonObject Report(EntityScores scores)
    {
        var report = new JsonObject();
        JsonObject Row(double p, double r, double f, int support) => new() { ["precision"] = p, ["recall"] = r, ["f1-score"] = f, ["support"] = support };
        foreach (var (type, score) in scores.ByType) report[type] = Row(score.Found.Precision, score.Found.Recall, score.Found.F1, score.Support);
        report["micro avg"] = Row(scores.Micro.Precision, scores.Micro.Recall, scores.Micro.F1, scores.Support);
        report["macro avg"] = Row(scores.Macro.Precision, scores.Macro.Recall, scores.Macro.F1, scores.Support);
        report["weighted avg"] = Row(scores.Weighted.Precision, scores.Weighted.Recall, scores.Weighted.F1, scores.Support);
        return report;
    }

    private static JsonObject Perplexity(JsonElement inputs)
    {
        var whole = new LossMean();
        var each = new List<double>();
        foreach (var (row, mask) in inputs.GetProperty("token_logprobs").EnumerateArray().Zip(inputs.GetProperty("mask").EnumerateArray()))
        {
            var kept = row.EnumerateArray().Zip(mask.EnumerateArray()).Where(p => p.Second.GetInt32() != 0).Select(p => -p.First.GetDouble()).ToList();
            var own = new LossMean();
            own.AddSum(kept.Sum(), kept.Count);
            whole.AddSum(kept.Sum(), kept.Count);
            each.Add(own.Perplexity);
        }

        return new JsonObject
        {
            ["mean_nll"] = whole.Mean, ["perplexity"] = whole.Perplexity, ["per_sequence"] = Numbers(each), ["mean_of_sequences"] = each.Average(), ["bits_per_token"] = whole.BitsPerLabel,
        };
    }

    private static JsonObject PerplexityOfLogits(JsonElement inputs)
    {
        var whole = new LossMean();
        foreach (var (rows, labels) in inputs.GetProperty("logits").EnumerateArray().Zip(inputs.GetProperty("labels").EnumerateArray()))
        {
            for (int i = 0; i + 1 < rows.GetArrayLength(); i++)
            {
                int label = labels[i + 1].GetInt32();
                if (label < 0) continue;
                double[] logits = [.. rows[i].EnumerateArray().Select(v => v.GetDouble())];
                double most = logits.Max();
                whole.AddSum(most + Math.Log(logits.Sum(v => Math.Exp(v - most))) - logits[label], 1);
            }
        }

        return new JsonObject { ["mean_nll"] = whole.Mean, ["perplexity"] = whole.Perplexity };
    }
}
