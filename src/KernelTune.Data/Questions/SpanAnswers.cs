using System.Text;
using KernelTune.Text.Chat;

namespace KernelTune.Data;

/// <summary>An answer that logits point to.</summary>
/// <param name="Text">The part of the context; empty for no answer.</param>
/// <param name="StartLogit">Of its first token.</param>
/// <param name="EndLogit">Of its last token.</param>
/// <param name="Probability">The softmax of the scores (the sum of both) over all answers of the question that are kept.</param>
public sealed record SpanAnswer(string Text, double StartLogit, double EndLogit, double Probability);

/// <summary>What logits say about a question.</summary>
/// <param name="Answer">The best answer; empty for none.</param>
/// <param name="Best">The best answers, the best first.</param>
/// <param name="NullScoreDifference">How much better "no answer" scores than the best answer; null where every question has one.</param>
public sealed record QuestionAnswer(string Answer, IReadOnlyList<SpanAnswer> Best, double? NullScoreDifference);

/// <summary>Answers out of logits, as Transformers' question-answering scripts find them.</summary>
public sealed record SpanAnswers
{
    /// <summary>How many first and last tokens of a window are looked at, and answers kept.</summary>
    public int BestSize { get; init; } = 20;

    /// <summary>In tokens.</summary>
    public int MaxAnswerLength { get; init; } = 30;

    /// <summary>Whether a question may have no answer, as in version 2 of SQuAD.</summary>
    public bool AllowNone { get; init; }

    /// <summary>How much better "no answer" must score to be taken.</summary>
    public double NullScoreDiffThreshold { get; init; }

    private readonly record struct Candidate(TextSpan Span, double Score, double Start, double End);

    /// <summary>The answer to one question.</summary>
    /// <param name="context">Its context.</param>
    /// <param name="windows">Its windows: where their tokens stand, and both logits of each, [T].</param>
    /// <exception cref="ArgumentException">No windows.</exception>
    public QuestionAnswer Of(string context, IReadOnlyList<(TextSpan?[] Offsets, double[] Starts, double[] Ends)> windows)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(windows);
        if (windows.Count == 0) throw new ArgumentException("at least one window wanted", nameof(windows));
        Candidate? none = null;
        var found = new List<Candidate>();
        foreach (var (offsets, starts, ends) in windows)
        {
            double score = starts[0] + ends[0];
            if (none is null || none.Value.Score > score) none = new Candidate(default, score, starts[0], ends[0]);
            int[] last = Highest(ends);
            foreach (int s in Highest(starts))
                foreach (int e in last)
                    if (offsets[s] is { } from && offsets[e] is { } to && e >= s && e - s < MaxAnswerLength)
                        found.Add(new Candidate(new TextSpan(from.Start, to.End), starts[s] + ends[e], starts[s], ends[e]));
        }

        if (AllowNone) found.Add(none!.Value);
        found = [.. found.OrderByDescending(c => c.Score).Take(BestSize)];
        if (AllowNone && !found.Any(c => c.Span == default)) found.Add(none!.Value);

        Rune[] text = [.. context.EnumerateRunes()];
        List<(string Text, Candidate At)> named = [.. found.Select(c => (Part(text, c.Span), c))];
        if (named.Count == 0 || named is [("", _)]) named.Insert(0, ("empty", default));
        double top = named.Max(n => n.At.Score), sum = named.Sum(n => Math.Exp(n.At.Score - top));
        SpanAnswer[] best = [.. named.Select(n => new SpanAnswer(n.Text, n.At.Start, n.At.End, Math.Exp(n.At.Score - top) / sum))];
        if (!AllowNone) return new QuestionAnswer(best[0].Text, best, null);
        SpanAnswer spoken = best.FirstOrDefault(b => b.Text.Length > 0) ?? new SpanAnswer("", 0, 0, 0);
        double difference = none!.Value.Score - spoken.StartLogit - spoken.EndLogit;
        return new QuestionAnswer(difference > NullScoreDiffThreshold ? "" : spoken.Text, best, difference);
    }

    private int[] Highest(double[] logits) =>
        [.. Enumerable.Range(0, logits.Length).OrderByDescending(i => logits[i]).ThenByDescending(i => i).Take(BestSize)];

    private static string Part(Rune[] text, TextSpan span)
    {
        var part = new StringBuilder();
        for (int i = span.Start; i < Math.Min(span.End, text.Length); i++) part.Append(text[i].ToString());
        return part.ToString();
    }
}
