namespace KernelTune.Evaluation.Metrics.Text;

/// <summary>An answer to a question of SQuAD 2.0 and those that are right.</summary>
/// <param name="Prediction">The answer; empty for "there is none".</param>
/// <param name="Answers">The right ones; none where the question has no answer.</param>
/// <param name="NoAnswerProbability">How sure the model is that there is none.</param>
public sealed record JudgedAnswer(string Prediction, IReadOnlyList<string> Answers, double NoAnswerProbability = 0);

/// <summary>SQuAD 2.0's figures in percent: of all questions, of those with an answer and of those without.</summary>
public sealed record AnswerReport(double Exact, double F1, double HasAnswerExact, double HasAnswerF1, double NoAnswerExact, double NoAnswerF1);

/// <summary>SQuAD's exact match and F1 of words, both of normalised answers (Rajpurkar et al., 2016 and 2018).</summary>
public static class AnswerScores
{
    /// <summary>1 if the answer is one of the right ones, else 0.</summary>
    /// <exception cref="ArgumentException">There is no right one; a question without an answer has the empty text.</exception>
    public static double Exact(string prediction, IReadOnlyList<string> answers)
    {
        ArgumentNullException.ThrowIfNull(prediction);
        Segments.CheckOne(answers, nameof(answers));
        return answers.Max(a => ExactMatch.Normalize(a) == ExactMatch.Normalize(prediction) ? 1.0 : 0.0);
    }

    /// <summary>F1 of the words that the answer shares with the closest of the right ones, from 0 to 1.</summary>
    /// <exception cref="ArgumentException">There is no right one; a question without an answer has the empty text.</exception>
    public static double F1(string prediction, IReadOnlyList<string> answers)
    {
        ArgumentNullException.ThrowIfNull(prediction);
        Segments.CheckOne(answers, nameof(answers));
        return answers.Max(a => Overlap(a, prediction));
    }

    /// <summary>The figures of a whole set. Where the model is surer than <paramref name="noAnswerThreshold"/> that there is no answer, that is its answer.</summary>
    public static AnswerReport Report(IReadOnlyList<JudgedAnswer> answers, double noAnswerThreshold = 1)
    {
        ArgumentNullException.ThrowIfNull(answers);
        var scores = answers.Select(a =>
        {
            IReadOnlyList<string> right = [.. a.Answers.Where(r => ExactMatch.Normalize(r).Length > 0)];
            if (right.Count == 0) right = [""];
            double none = right is [""] ? 1 : 0;
            bool saysNone = a.NoAnswerProbability > noAnswerThreshold;
            return (Has: a.Answers.Count > 0, Exact: saysNone ? none : Exact(a.Prediction, right), F1: saysNone ? none : F1(a.Prediction, right));
        }).ToList();
        double Mean(Func<bool, bool> keep, Func<(bool Has, double Exact, double F1), double> of) => 100 * scores.Where(s => keep(s.Has)).Sum(of) / Math.Max(1, scores.Count(s => keep(s.Has)));
        return new AnswerReport(Mean(_ => true, s => s.Exact), Mean(_ => true, s => s.F1), Mean(h => h, s => s.Exact), Mean(h => h, s => s.F1), Mean(h => !h, s => s.Exact), Mean(h => !h, s => s.F1));
    }

    private static double Overlap(string right, string prediction)
    {
        List<string> gold = Words.Split(ExactMatch.Normalize(right)), own = Words.Split(ExactMatch.Normalize(prediction));
        if (gold.Count == 0 || own.Count == 0) return gold.Count == own.Count ? 1 : 0;
        double same = Ngrams.Shared(Ngrams.OfWords(own, 1), Ngrams.OfWords(gold, 1));
        return new PrecisionRecall(same / own.Count, same / gold.Count).F1;
    }
}
