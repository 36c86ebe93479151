using System.Text.Json.Nodes;
using KernelTune.Text.Tests.Tokenizers;
using KernelTune.Text.Training;

namespace KernelTune.Text.Tests.Training;

public class BpeTrainerTests
{
    private static readonly string[] Texts = ["low lower lowest low", "newer wider newer", "the low tide 1995", "naïve 今天 👍🏽"];

    private static Tokenizer Train(IEnumerable<string> texts, int size = 280, int least = 2) =>
        BpeTrainer.Train(texts, new BpeTrainerOptions { VocabSize = size, MinFrequency = least, SpecialTokens = ["<|im_start|>", "<|im_end|>"], IndividualDigits = true });

    private static string Merges(Tokenizer tokenizer) =>
        string.Join(' ', JsonNode.Parse(tokenizer.ToJson().Span)!["model"]!["merges"]!.AsArray().Select(m => $"{m![0]}+{m[1]}"));

    [Test]
    public void Merges_the_most_frequent_pair_and_of_equals_the_lowest_ids()
    {
        // l+o and o+w are seen 5 times; then e+r and Ġ+low 4 times, and e has the lower id.
        Assert.That(Merges(Train(Texts)), Does.StartWith("l+o lo+w e+r Ġ+low e+w"));
    }

    [Test]
    public void The_order_of_the_texts_does_not_matter()
    {
        Assert.That(Train(Texts.Reverse()).ToJson().ToArray(), Is.EqualTo(Train(Texts).ToJson().ToArray()));
    }

    [Test]
    public void The_result_reads_its_own_file_and_loses_nothing()
    {
        Tokenizer tokenizer = Train(Texts);
        foreach (string text in Texts) Assert.That(tokenizer.Decode(tokenizer.EncodeIds(text)), Is.EqualTo(text));
        Assert.That((tokenizer.TokenToId("<|im_start|>"), tokenizer.TokenToId("<|im_end|>"), tokenizer.TokenToId("!")), Is.EqualTo((0, 1, 2)));
        Assert.That(tokenizer.EncodeIds("1995"), Has.Length.EqualTo(4), "single digits");
        Assert.That(tokenizer.EncodeIds("a<|im_end|>"), Does.Contain(1));
        Assert.That(tokenizer.VocabSize, Is.LessThanOrEqualTo(280));
    }

    [Test]
    public void Stops_where_pairs_get_rare()
    {
        Assert.That(Train(["abcdef"], 1000).VocabSize, Is.EqualTo(258));
        Assert.That(Train(["abcdef"], 1000, least: 0).VocabSize, Is.EqualTo(263));
    }

    [Test]
    public void Refuses_a_vocabulary_without_room_for_the_bytes() =>
        Assert.That(() => Train(Texts, 257), Throws.ArgumentException.With.Message.StartsWith("vocab_size 257 is less than 256 bytes and the special tokens: 258"));

    [Test]
    public void Learns_real_text_deterministically()
    {
        string[] lines = File.ReadAllLines(Shared.Model("data", "corpus", "opticks.txt"));
        Tokenizer tokenizer = Train(lines, 1000);
        Assert.That(tokenizer.VocabSize, Is.EqualTo(1000));
        Assert.That(Train(lines.Reverse(), 1000).ToJson().ToArray(), Is.EqualTo(tokenizer.ToJson().ToArray()));
        Assert.That(string.Concat(lines).Length / (double)lines.Sum(l => tokenizer.CountTokens(l)), Is.GreaterThan(2.5), "characters a token");
    }
}
