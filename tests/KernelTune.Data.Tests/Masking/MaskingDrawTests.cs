using FsCheck;
using FsCheck.Fluent;

namespace KernelTune.Data.Tests.Masking;

/// <summary>Draws of our own: their shares, that the seed alone decides them, and that no special token is ever asked for.</summary>
public class MaskingDrawTests
{
    private static readonly TokenMasking Masking = new() { MaskTokenId = 9999, VocabularySize = 1000 };

    [Test]
    public void SharesAreThoseAskedFor()
    {
        const int Rows = 400, Length = 100;
        int asked = 0, hidden = 0, replaced = 0;
        int[] ids = new int[Length], special = new int[Length];
        Array.Fill(ids, 5000);       // no replacement is drawn from above VocabularySize
        for (int row = 0; row < Rows; row++)
        {
            var (masked, labels) = Masking.Apply(ids, special, Masking.Draw(special, default, 7, 0, row));
            for (int t = 0; t < Length; t++)
            {
                if (labels[t] == TokenRow.Ignored)
                {
                    Assert.That(masked[t], Is.EqualTo(5000));
                    continue;
                }

                asked++;
                if (masked[t] == 9999) hidden++;
                else if (masked[t] != 5000) replaced++;
            }
        }

        // 40000 tokens: three standard deviations of each share.
        Assert.That((double)asked / (Rows * Length), Is.EqualTo(0.15).Within(0.006));
        Assert.That((double)hidden / asked, Is.EqualTo(0.8).Within(0.016));
        Assert.That((double)replaced / asked, Is.EqualTo(0.1).Within(0.012));
    }

    [Test]
    public void SeedEpochAndRowDecide()
    {
        MaskDraws Draws(long seed, long epoch, long row) => Masking.Draw(new int[64], default, seed, epoch, row);
        MaskDraws one = Draws(7, 2, 3), again = Draws(7, 2, 3);
        Assert.That(again.Chosen, Is.EqualTo(one.Chosen));
        Assert.That(again.RandomIds, Is.EqualTo(one.RandomIds));
        foreach (MaskDraws other in (MaskDraws[])[Draws(8, 2, 3), Draws(7, 3, 3), Draws(7, 2, 4)])
            Assert.That(other.RandomIds, Is.Not.EqualTo(one.RandomIds));
    }

    [Test]
    public void WholeWordsAreHiddenWholeAndNothingElseTakesTheirPlace()
    {
        (int, int)[] offsets = [(0, 0), (0, 3), (3, 5), (6, 7), (7, 8), (9, 12), (0, 0)];
        int[] special = [1, 0, 0, 0, 0, 0, 1], ids = [101, 1, 2, 3, 4, 5, 102];
        TokenMasking words = Masking with { WholeWords = true, Probability = 0.5 };
        int some = 0;
        for (int row = 0; row < 50; row++)
        {
            var (masked, labels) = words.Apply(ids, special, words.Draw(special, offsets, 1, 0, row));
            bool[] hidden = Array.ConvertAll(labels, l => l != TokenRow.Ignored);
            Assert.That(hidden[1], Is.EqualTo(hidden[2]));
            Assert.That(hidden[3], Is.EqualTo(hidden[4]));
            Assert.That((hidden[0], hidden[6]), Is.EqualTo((false, false)));
            Assert.That(masked, Is.EqualTo(ids.Select((id, t) => hidden[t] ? 9999 : id)));
            some += hidden.Count(h => h);
        }

        Assert.That(some, Is.InRange(90, 160));       // half of 250 tokens
    }

    [TestCase(1.5, 0.8, 0.1, "a share of masked tokens of 1.5 was found, 0 to 1 wanted")]
    [TestCase(0.15, 0.8, 0.3, "shares of 0.8 hidden and 0.3 replaced tokens were found, two of 0 to 1 and no more than 1 together wanted")]
    public void SharesThatAreNoneAreRefused(double probability, double hidden, double replaced, string message)
    {
        var masking = Masking with { Probability = probability, MaskReplaceProb = hidden, RandomReplaceProb = replaced };
        Assert.That(() => masking.Draw([0], default, 0, 0, 0), Throws.ArgumentException.With.Message.EqualTo(message));
    }

    [Test]
    public void SpansAreApartAndOfTheLengthAskedFor() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(300).WithQuietOnSuccess(true).WithReplay(7, 7),
        Prop.ForAll(Gen.Choose(0, 2000).Zip(Gen.Choose(0, int.MaxValue)).ToArbitrary(), p => Hold(p.Item1, p.Item2, p.Item2 % 3)));

    private static void Hold(int tokens, long seed, long epoch)
    {
        var corruption = new SpanCorruption { Sentinels = [.. Enumerable.Range(0, 100).Select(i => 32099 - i)], EndTokenId = 1 };
        IReadOnlyList<(int Start, int Length)> spans = corruption.Draw(tokens, seed, epoch, 0);
        int noise = spans.Sum(s => s.Length), at = 0;
        foreach ((int start, int spanLength) in spans)
        {
            Assert.That(start, Is.GreaterThan(at));       // a gap of one token at least, before the first too
            Assert.That(spanLength, Is.AtLeast(1));
            at = start + spanLength;
        }

        if (tokens < 2)
        {
            Assert.That(spans, Is.Empty);
            return;
        }

        Assert.That(at, Is.EqualTo(tokens));        // the last span ends the text, as in T5's own masks
        Assert.That(noise, Is.EqualTo(Math.Clamp((int)Math.Round(tokens * 0.15), 1, tokens - 1)));
        int[] ids = [.. Enumerable.Range(100, tokens)];
        var (input, labels) = corruption.Apply(ids, spans);
        Assert.That(input, Has.Length.EqualTo(tokens - noise + spans.Count + 1));
        Assert.That(labels, Has.Length.EqualTo(noise + spans.Count + 2));
        Assert.That(input.Concat(labels).Where(i => i is >= 100 and < 32000).Order(), Is.EqualTo(ids));
    }

    [Test]
    public void SpansThatOverlapOrLackSentinelsAreRefused()
    {
        var corruption = new SpanCorruption { Sentinels = [50, 49], EndTokenId = 1, FinalSentinel = false };
        int[] ids = [10, 11, 12, 13];
        Assert.That(() => corruption.Apply(ids, [(0, 2), (1, 1)]), Throws.ArgumentException.With.Message.StartsWith("the span of 1 tokens from 1 is not within 2 to 4"));
        Assert.That(() => (corruption with { FinalSentinel = true }).Apply(ids, [(0, 1), (2, 1)]), Throws.ArgumentException.With.Message.StartsWith("3 sentinels wanted, 2 were found"));
    }
}
