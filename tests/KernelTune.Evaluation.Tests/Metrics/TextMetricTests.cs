using KernelTune.Evaluation.Metrics.Text;

namespace KernelTune.Evaluation.Tests.Metrics;

/// <summary>Values that can be worked out by hand; the published scripts' are in goldens/metrics.</summary>
public class TextMetricTests
{
    [Test]
    public void Bleu_is_the_mean_of_precisions_shortened()
    {
        // 4 words of 5: precisions 1, all orders; e^(1 − 5/4).
        Assert.That(Bleu.Sentence("a b c d", ["a b c d e"]).Score, Is.EqualTo(100 * Math.Exp(-0.25)).Within(1e-9));
        BleuScore score = Bleu.Sentence("a a a", ["a b c", "a a b"], new BleuSettings { MaxOrder = 1 });
        Assert.That((score.Counts[0], score.Totals[0]), Is.EqualTo((2.0, 3.0)), "a word counts as often as it is seen in one reference");
        Assert.That(Bleu.Sentence("", ["a"]).Score, Is.Zero);
        Assert.That(() => Bleu.Corpus(["a"], []), Throws.ArgumentException.With.Message.StartsWith("0 lists of references stand beside 1 hypotheses"));
    }

    [TestCase("It's 3.14, right?", BleuTokenization.V13a, "It's 3.14 , right ?")]
    [TestCase("a&amp;b", BleuTokenization.V13a, "a & b")]
    [TestCase("“x” 👍", BleuTokenization.International, "“ x ” 👍")]
    [TestCase("今天 ok", BleuTokenization.Chinese, "今 天 ok")]
    public void Texts_are_cut_as_published(string text, BleuTokenization tokenization, string wanted) => Assert.That(BleuTokenizer.Apply(text, tokenization), Is.EqualTo(wanted));

    [Test]
    public void A_shift_is_one_edit()
    {
        Assert.That(Ter.Sentence("c d a b", ["a b c d"]), Is.EqualTo(new TerScore(25, 1, 4)));
        Assert.That(Ter.Sentence("a b", ["a b"]).Score, Is.Zero);
        Assert.That(Ter.Sentence("a b", [""]).Score, Is.EqualTo(100));
    }

    [Test]
    public void Chrf_of_the_same_text_is_full() => Assert.That((Chrf.Sentence("ab cd", ["ab cd"]), Chrf.Sentence("x", ["y"])), Is.EqualTo((100.0, 0.0)));

    [Test]
    public void Rouge_counts_words_pairs_and_subsequences()
    {
        var rouge = new Rouge();
        Assert.That(rouge.Score("the cat", "the big cat", 1), Is.EqualTo(new PrecisionRecall(1, 2 / 3.0)));
        Assert.That(rouge.Score("the cat", "the big cat", 2).F1, Is.Zero);
        Assert.That(rouge.ScoreLongest("the cat sat", "sat the cat"), Is.EqualTo(new PrecisionRecall(2 / 3.0, 2 / 3.0)));
        Assert.That(new Rouge(useStemmer: true).Score("running", "runs", 1).F1, Is.EqualTo(1));
        Assert.That(rouge.ScoreSummary("今天", "今天"), Is.EqualTo(default(PrecisionRecall)), "words are a to z and 0 to 9");
    }

    [TestCase("caresses", "caress")]
    [TestCase("dying", "die")]
    [TestCase("relational", "relat")]
    [TestCase("hopping", "hop")]
    [TestCase("generously", "gener")]
    public void Words_have_porter_s_stems(string word, string stem) => Assert.That(PorterStemmer.Stem(word), Is.EqualTo(stem));

    [Test]
    public void Meteor_punishes_fragments()
    {
        Assert.That(new Meteor().Score(["a", "b"], [["a", "b"]]), Is.EqualTo(1 - 0.5 * Math.Pow(0.5, 3)).Within(1e-12));
        Assert.That(new Meteor().Score(["b", "a"], [["a", "b"]]), Is.EqualTo(0.5).Within(1e-12));
    }

    [Test]
    public void Answers_share_words()
    {
        Assert.That(AnswerScores.Exact("The U.S.A.", ["USA"]), Is.EqualTo(1));
        Assert.That(AnswerScores.F1("red big car", ["big car"]), Is.EqualTo(0.8).Within(1e-12));
        AnswerReport report = AnswerScores.Report([new JudgedAnswer("x", ["x"]), new JudgedAnswer("y", []), new JudgedAnswer("z", ["x"], 0.9)], noAnswerThreshold: 0.5);
        Assert.That((report.HasAnswerExact, report.NoAnswerExact), Is.EqualTo((50.0, 0.0)));
    }

    [Test]
    public void Error_rates_count_edits()
    {
        ErrorRate rate = ErrorRate.OfWords("a  b c ", "a x c d");
        Assert.That(rate, Is.EqualTo(new ErrorRate(2, 1, 0, 1)));
        Assert.That((rate.Rate, rate.MatchErrorRate), Is.EqualTo((2 / 3.0, 0.5)));
        Assert.That(ErrorRate.OfCharacters("𝒳y", "y").Rate, Is.EqualTo(0.5), "code points");
        Assert.That((rate + rate).Rate, Is.EqualTo(rate.Rate));
    }

    [Test]
    public void Runs_of_words_differ() => Assert.That(Diversity.Distinct([["a", "a", "b"], ["a"]], 1), Is.EqualTo(0.5));

    [Test]
    public void Cider_weighs_what_is_rare()
    {
        var (score, each) = new Cider().Score(["a b c d", "e f g h"], [["a b c d"], ["a b c d"]]);
        Assert.That(each[0], Is.Zero, "in every segment: worth nothing");
        Assert.That(score, Is.Zero);
        Assert.That(new Cider().Score(["a b c d", "e f g h"], [["a b c d"], ["e f g h"]]).Score, Is.EqualTo(10).Within(1e-9));
    }

    [Test]
    public void Entities_count_whole()
    {
        Assert.That(EntityScores.Find(["I-A", "I-B", "O", "B-A", "I-A"]), Is.EqualTo(new[] { new Entity("A", 0, 0), new Entity("B", 1, 1), new Entity("A", 3, 4) }));
        Assert.That(EntityScores.Find(["I-A", "B-A", "I-A", "I-B"], TagScheme.Iob2), Is.EqualTo(new[] { new Entity("A", 1, 2) }));
        Assert.That(EntityScores.Find(["B-A", "I-A", "O", "S-A", "B-A", "E-A"], TagScheme.Iobes), Is.EqualTo(new[] { new Entity("A", 3, 3), new Entity("A", 4, 5) }));
        Assert.That(EntityScores.Find(["U-A", "B-B", "L-B"], TagScheme.Bilou), Is.EqualTo(new[] { new Entity("A", 0, 0), new Entity("B", 1, 2) }));
        var scores = new EntityScores([["B-A", "I-A", "O", "B-B"]], [["B-A", "O", "O", "B-B"]]);
        Assert.That((scores.Micro.F1, scores.Macro.F1, scores.TokenAccuracy, scores.Support), Is.EqualTo((0.5, 0.5, 0.75, 2)));
        Assert.That(() => new EntityScores([["O"]], [["O", "O"]]), Throws.ArgumentException.With.Message.StartsWith("sentence 0 has 2 tags, 1 are wanted"));
    }

    private static IEnumerable<TestCaseData> Corpora()
    {
        yield return new TestCaseData((Action<IReadOnlyList<string>, IReadOnlyList<IReadOnlyList<string>>>)((h, r) => Bleu.Corpus(h, r))).SetArgDisplayNames("BLEU");
        yield return new TestCaseData((Action<IReadOnlyList<string>, IReadOnlyList<IReadOnlyList<string>>>)((h, r) => Chrf.Corpus(h, r))).SetArgDisplayNames("chrF");
        yield return new TestCaseData((Action<IReadOnlyList<string>, IReadOnlyList<IReadOnlyList<string>>>)((h, r) => Ter.Corpus(h, r))).SetArgDisplayNames("TER");
        yield return new TestCaseData((Action<IReadOnlyList<string>, IReadOnlyList<IReadOnlyList<string>>>)((h, r) => new Cider().Score(h, r))).SetArgDisplayNames("CIDEr");
    }

    [TestCaseSource(nameof(Corpora))]
    public void Texts_that_do_not_stand_beside_each_other_are_refused(Action<IReadOnlyList<string>, IReadOnlyList<IReadOnlyList<string>>> score)
    {
        Assert.That(() => score(null!, []), Throws.ArgumentNullException);
        Assert.That(() => score([], null!), Throws.ArgumentNullException);
        Assert.That(() => score(["a"], [["a"], ["b"]]), Throws.ArgumentException.With.Message.StartsWith("2 lists of references stand beside 1 hypotheses"));
        Assert.That(() => score(["a", "b"], [["a"]]), Throws.ArgumentException.With.Message.StartsWith("1 lists of references stand beside 2 hypotheses"));
        Assert.That(() => score(["a", "b"], [["a"], []]), Throws.ArgumentException.With.Message.StartsWith("segment 1 has no reference"));
        Assert.That(() => score(["a", "b"], [["a"], null!]), Throws.ArgumentException.With.Message.StartsWith("segment 1 has no reference"));
        Assert.That(() => score([null!], [["a"]]), Throws.ArgumentException.With.Message.StartsWith("the hypothesis of segment 0 is null"));
        Assert.That(() => score(["a"], [["a", null!]]), Throws.ArgumentException.With.Message.StartsWith("reference 1 of segment 0 is null"));
    }

    [Test]
    public void An_answer_needs_something_to_be_compared_with()
    {
        Assert.That(() => AnswerScores.Exact("a", []), Throws.ArgumentException.With.Message.StartsWith("there is no reference"));
        Assert.That(() => AnswerScores.F1("a", []), Throws.ArgumentException.With.Message.StartsWith("there is no reference"));
        Assert.That(() => new Meteor().Score(["a"], []), Throws.ArgumentException.With.Message.StartsWith("there is no reference"));
        Assert.That(() => new Cider().Score([], []), Throws.ArgumentException.With.Message.StartsWith("there is no hypothesis"));
        Assert.That(() => new EntityScores([["O", ""]], [["O", "O"]]), Throws.ArgumentException.With.Message.StartsWith("tag 1 is empty"));
        Assert.That(() => new EntityScores([["O"]], []), Throws.ArgumentException.With.Message.StartsWith("0 sentences stand beside 1"));
        Assert.That(() => ErrorRate.OfWords(null!, "a"), Throws.ArgumentNullException);
        ErrorRate inserted = ErrorRate.OfWords("", "a");
        Assert.That((inserted, inserted.Rate, ErrorRate.OfWords("", "").Rate), Is.EqualTo((new ErrorRate(0, 0, 0, 1), double.PositiveInfinity, double.NaN)));
    }

    [Test]
    public void Settings_out_of_their_range_are_refused()
    {
        Assert.That(() => Bleu.Sentence("a", ["a"], new BleuSettings { MaxOrder = 0 }), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => Bleu.Sentence("a", ["a"], new BleuSettings { SmoothValue = double.NaN }), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => Chrf.Sentence("a", ["a"], new ChrfSettings { CharacterOrder = 0 }), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => Chrf.Sentence("a", ["a"], new ChrfSettings { WordOrder = -1 }), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => Chrf.Sentence("a", ["a"], new ChrfSettings { Beta = 0 }), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Cider(MaxOrder: 0).Score(["a"], [["a"]]), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new Rouge().Score("a", "a", 0), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => Diversity.Distinct([["a"]], 0), Throws.TypeOf<ArgumentOutOfRangeException>());
    }
}
