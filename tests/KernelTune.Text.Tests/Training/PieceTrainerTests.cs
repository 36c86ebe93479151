using System.Text.Json.Nodes;
using KernelTune.Text.Tests.Tokenizers;
using KernelTune.Text.Training;

namespace KernelTune.Text.Tests.Training;

/// <summary>WordPiece and Unigram vocabularies, trained.</summary>
public class PieceTrainerTests
{
    private static readonly string[] Texts = ["low lower lowest low", "newer wider newer", "the low tide", "Naïve 今天 👍🏽"];

    private static string[] Vocabulary(Tokenizer tokenizer) => [.. Enumerable.Range(0, tokenizer.VocabSize).Select(id => tokenizer.IdToToken(id)!)];

    [Test]
    public void Wordpiece_keeps_characters_then_merges_the_most_frequent_pair()
    {
        Tokenizer tokenizer = WordPieceTrainer.Train(Texts, new WordPieceTrainerOptions { VocabSize = 60 });
        string[] tokens = Vocabulary(tokenizer);
        Assert.That(tokens[..8], Is.EqualTo(new[] { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "d", "e" }), "special tokens, then the characters in their order");
        int first = Array.IndexOf(tokens, "lo");
        Assert.That(tokens[first..(first + 3)], Is.EqualTo(new[] { "lo", "low", "##er" }), "l+o and lo+w are seen 5 times, e+r 4 times");
        Assert.That(tokenizer.EncodeIds("LOW NAÏVE"), Is.EqualTo(tokenizer.EncodeIds("low naive")));
        Assert.That(tokenizer.Decode(tokenizer.EncodeIds("lowest tide")), Is.EqualTo("lowest tide"));
        Assert.That(tokenizer.Encode("low", "tide").TypeIds[^1], Is.EqualTo(1));
    }

    [Test]
    public void Wordpiece_does_not_depend_on_the_order_of_the_texts()
    {
        byte[] Train(IEnumerable<string> texts) => WordPieceTrainer.Train(texts, new WordPieceTrainerOptions { VocabSize = 70, MinFrequency = 2 }).ToJson().ToArray();
        Assert.That(Train(Texts.Reverse()), Is.EqualTo(Train(Texts)));
    }

    [Test]
    public void Unigram_holds_every_character_and_keeps_to_its_size()
    {
        string[] lines = File.ReadAllLines(Shared.Model("data", "corpus", "opticks.txt"))[..1500];
        var options = new UnigramTrainerOptions { VocabSize = 500 };
        Tokenizer tokenizer = UnigramTrainer.Train(lines, options);
        string[] tokens = Vocabulary(tokenizer);
        Assert.That(tokens, Has.Length.EqualTo(500).And.Unique);
        Assert.That(tokens[..3], Is.EqualTo(new[] { "<unk>", "<s>", "</s>" }));
        Assert.That(tokens, Does.Contain("▁the").And.Contain("e").And.Contain("▁"));
        double[] scores = [.. JsonNode.Parse(tokenizer.ToJson().Span)!["model"]!["vocab"]!.AsArray().Skip(3).Select(p => (double)p![1]!)];
        Assert.That(scores, Is.Ordered.Descending);
        Assert.That(scores.Sum(Math.Exp), Is.InRange(0.7, 1.01), "log-probabilities of what was kept");
        int unknown = 0, count = 0, characters = 0;
        foreach (string line in lines)
        {
            int[] ids = tokenizer.EncodeIds(line);
            unknown += ids.Count(id => id == 0);
            count += ids.Length;
            characters += line.Length;
        }
        Assert.That(unknown, Is.Zero);
        Assert.That(characters / (double)count, Is.GreaterThan(2.2), "characters a token");
        Assert.That(tokenizer.Decode(tokenizer.EncodeIds("The rays of light")), Is.EqualTo("The rays of light"));
        Assert.That(UnigramTrainer.Train(lines.Reverse(), options).ToJson().ToArray(), Is.EqualTo(tokenizer.ToJson().ToArray()), "the order of the texts does not matter");
    }

    [Test]
    public void Unigram_leaves_rare_characters_out_where_it_is_told_to()
    {
        string[] texts = [.. Enumerable.Repeat("abab baba", 100), "☃"];
        Assert.That(Vocabulary(UnigramTrainer.Train(texts, new UnigramTrainerOptions { VocabSize = 12, CharacterCoverage = 0.999 })), Does.Not.Contain("☃"));
        Assert.That(Vocabulary(UnigramTrainer.Train(texts, new UnigramTrainerOptions { VocabSize = 12 })), Does.Contain("☃"));
    }

    [Test]
    public void What_cannot_be_trained_is_refused()
    {
        Assert.That(() => WordPieceTrainer.Train(Texts, new WordPieceTrainerOptions { VocabSize = 10 }), Throws.ArgumentException.With.Message.StartsWith("vocab_size 10 is less than the special tokens and the characters: "));
        Assert.That(() => WordPieceTrainer.Train(Texts, new WordPieceTrainerOptions { VocabSize = 90, SpecialTokens = ["[UNK]"] }), Throws.ArgumentException.With.Message.StartsWith("the config's token \"[CLS]\" is not among the special tokens"));
        Assert.That(() => UnigramTrainer.Train(Texts, new UnigramTrainerOptions { VocabSize = 5 }), Throws.ArgumentException.With.Message.StartsWith("vocab_size 5 is less than the special tokens and the characters: "));
        Assert.That(() => UnigramTrainer.Train([], new UnigramTrainerOptions { VocabSize = 50 }), Throws.ArgumentException.With.Message.StartsWith("there is no text to train on"));
        Assert.That(() => UnigramTrainer.Train(Texts, new UnigramTrainerOptions { VocabSize = 50, ShrinkingFactor = 1 }), Throws.ArgumentException.With.Message.StartsWith("shrinking_factor 1 must lie between 0 and 1"));
        Assert.That(() => UnigramTrainer.Train(Texts, new UnigramTrainerOptions { VocabSize = 50, SpecialTokens = ["a", "a"] }), Throws.ArgumentException.With.Message.StartsWith("a special token comes twice"));
    }

    private static IEnumerable<TestCaseData> OutOfRange()
    {
        var options = new UnigramTrainerOptions { VocabSize = 50 };
        yield return Case(options with { VocabSize = 3 }, "vocab_size 3 must be above the 3 special tokens");
        yield return Case(options with { VocabSize = -1 }, "vocab_size -1 must be above the 3 special tokens");
        foreach (double factor in new[] { 0, -0.5, 1, 1.5, double.NaN })
            yield return Case(options with { ShrinkingFactor = factor }, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"shrinking_factor {factor} must lie between 0 and 1"));
        yield return Case(options with { SubIterations = 0 }, "num_sub_iterations 0 must be at least 1");
        foreach (int length in new[] { 0, 513, int.MaxValue }) yield return Case(options with { MaxPieceLength = length }, $"max_piece_length {length} must lie from 1 to 512");
        foreach (int size in new[] { 0, 49 }) yield return Case(options with { SeedSize = size }, $"seed_size {size} must not be below vocab_size 50, which it is pruned to");
        foreach (double share in new[] { 0, 1.01, double.NaN })
            yield return Case(options with { CharacterCoverage = share }, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"character_coverage {share} must be above 0 and not above 1"));

        static TestCaseData Case(UnigramTrainerOptions options, string message) => new TestCaseData(options, message).SetArgDisplayNames(message);
    }

    [TestCaseSource(nameof(OutOfRange))]
    public void Settings_out_of_their_range_are_refused_before_any_text_is_read(UnigramTrainerOptions options, string message)
    {
        bool read = false;
        IEnumerable<string> Lines()
        {
            read = true;
            yield return "a text";
        }
        Assert.That(() => UnigramTrainer.Train(Lines(), options), Throws.ArgumentException.With.Message.StartsWith(message));
        Assert.That(read, Is.False);
    }

    [Test]
    public void Limits_of_a_wordpiece_vocabulary_are_checked()
    {
        Assert.That(() => WordPieceTrainer.Train(Texts, new WordPieceTrainerOptions { VocabSize = 60, MinFrequency = -1 }), Throws.ArgumentException.With.Message.StartsWith("min_frequency -1 is below 0"));
        Assert.That(() => WordPieceTrainer.Train(Texts, new WordPieceTrainerOptions { VocabSize = 60, LimitAlphabet = 0 }), Throws.ArgumentException.With.Message.StartsWith("limit_alphabet 0 is below 1"));
    }

    [Test]
    public void The_longest_piece_is_as_long_as_it_may_be()
    {
        string[] texts = [.. Enumerable.Repeat("abcdefghx abcdefghy", 50)];
        int Longest(int most) => Vocabulary(UnigramTrainer.Train(texts, new UnigramTrainerOptions { VocabSize = 30, MaxPieceLength = most })).Skip(3).Max(t => t.Length);
        Assert.That((Longest(1), Longest(9)), Is.EqualTo((1, 9)));
    }
}
