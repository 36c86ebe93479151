using KernelTune.Text.Chat;

namespace KernelTune.Data.Tests.Questions;

public class SpanAnswersTests
{
    private static readonly TextSpan?[] Offsets = [null, new(0, 2), new(3, 5), null];

    [Test]
    public void TokensOutsideTheContextAreNoAnswer()
    {
        // The best first token is no part of the context, the best last one stands before the best first one left.
        QuestionAnswer answer = new SpanAnswers().Of("ab cd", [(Offsets, [9, 1, 2, 8], [0, 5, 1, 9])]);
        Assert.That(answer.Answer, Is.EqualTo("ab"));
        Assert.That(answer.Best.Select(b => b.Text), Is.EqualTo(new[] { "ab", "cd", "ab cd" }));
        Assert.That(answer.Best.Sum(b => b.Probability), Is.EqualTo(1).Within(1e-12));
    }

    [Test]
    public void NoAnswerIsTakenWhereItScoresBetterByMoreThanTheThreshold()
    {
        (TextSpan?[], double[], double[])[] windows = [(Offsets, [4, 1, 2, 0], [3, 3, 1, 0])];
        Assert.That(new SpanAnswers { AllowNone = true }.Of("ab cd", windows).Answer, Is.Empty);
        QuestionAnswer spoken = new SpanAnswers { AllowNone = true, NullScoreDiffThreshold = 5 }.Of("ab cd", windows);
        Assert.That((spoken.Answer, spoken.NullScoreDifference), Is.EqualTo(("ab", 3.0)));
    }

    [Test]
    public void AWindowWithoutContextHasTheWordEmpty() =>
        Assert.That(new SpanAnswers().Of("ab", [([null], [1], [1])]).Answer, Is.EqualTo("empty"));
}
