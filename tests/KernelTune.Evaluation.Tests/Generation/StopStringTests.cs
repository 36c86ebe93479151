using System.Text;
using System.Text.Json;
using KernelTune.Evaluation.Generation;

namespace KernelTune.Evaluation.Tests.Generation;

public sealed class StopStringTests
{
    private static readonly byte[][] Vocabulary = [.. new[] { "st", "op", "stop", "x", "opera", "", "p", "sto" }.Select(Encoding.UTF8.GetBytes)];

    [TestCase(new[] { 0, 1 }, true, TestName = "across tokens")]
    [TestCase(new[] { 2 }, true, TestName = "one token")]
    [TestCase(new[] { 0, 4 }, true, TestName = "text after the string in the same token does not matter")]
    [TestCase(new[] { 2, 3 }, false, TestName = "complete before the last token")]
    [TestCase(new[] { 7, 5, 6 }, true, TestName = "an empty token in the middle")]
    [TestCase(new[] { 2, 5 }, false, TestName = "an empty token at the end")]
    [TestCase(new[] { 0, 99, 1 }, false, TestName = "an id without a text in the middle")]
    [TestCase(new[] { 2, 99 }, false, TestName = "an id without a text at the end")]
    public void Stops(int[] ids, bool stops) => Assert.That(new StopStringMatcher(Vocabulary, ["stop"]).Stops(ids), Is.EqualTo(stops));

    [Test]
    public void A_character_split_over_tokens_is_matched_by_its_bytes()
    {
        byte[] text = Encoding.UTF8.GetBytes("天");
        var matcher = new StopStringMatcher([[text[0]], [text[1]], [text[2]]], ["天"]);
        Assert.That(matcher.Stops([0, 1]), Is.False);
        Assert.That(matcher.Stops([0, 1, 2]), Is.True);
    }

    [Test]
    public void Strings_that_no_token_can_end_are_refused() =>
        Assert.That(
            () => new StopStringMatcher(Vocabulary, ["q"]),
            Throws.TypeOf<GenerationException>().With.Message.EqualTo("no token of the vocabulary can end any of the stop strings: \"q\""));

    [Test]
    public void Byte_level_vocabularies_are_read_as_bytes()
    {
        using JsonDocument json = JsonDocument.Parse(
            """{"decoder": {"type": "ByteLevel"}, "model": {"vocab": {"Ġa": 0, "ä": 1}}, "added_tokens": [{"id": 3, "content": "<|end|>"}]}""");
        byte[][] bytes = TokenBytes.FromTokenizerJson(json.RootElement);
        Assert.That(bytes, Is.EqualTo(new byte[][] { " a"u8.ToArray(), [0xE4], [], "<|end|>"u8.ToArray() }));
    }

    [Test]
    public void Byte_fallback_vocabularies_are_read_as_bytes()
    {
        using JsonDocument json = JsonDocument.Parse(
            """{"decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}]}, "model": {"vocab": {"▁a": 0, "<0xE4>": 1, "ä": 2}}}""");
        Assert.That(TokenBytes.FromTokenizerJson(json.RootElement), Is.EqualTo(new byte[][] { " a"u8.ToArray(), [0xE4], [0xC3, 0xA4] }));
    }
}
