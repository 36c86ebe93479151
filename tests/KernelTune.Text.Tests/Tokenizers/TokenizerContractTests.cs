using System.Buffers;
using AnyTokenizer = Microsoft.ML.Tokenizers.Tokenizer;

namespace KernelTune.Text.Tests.Tokenizers;

/// <summary>Code that is written for Microsoft.ML.Tokenizers takes ours.</summary>
public class TokenizerContractTests
{
    private const string Text = "Ünïcode 🀄 words, and a <mask>.";

    private static Tokenizer Open(string name) => Tokenizer.Load(Shared.Golden("tokenizers", name));

    [TestCase("bert_uncased")]
    [TestCase("roberta")]
    [TestCase("t5")]
    [TestCase("mistral")]
    [TestCase("smollm")]
    public void Ids_tokens_counts_and_text_are_ours(string name)
    {
        AnyTokenizer any = Open(name);
        var ours = (Tokenizer)any;
        TokenEncoding wanted = ours.Encode(Text);
        Assert.That(any.EncodeToIds(Text), Is.EqualTo(wanted.Ids));
        Assert.That(any.EncodeToIds(Text.AsSpan()), Is.EqualTo(wanted.Ids));
        Assert.That(any.CountTokens(Text), Is.EqualTo(wanted.Length));
        var tokens = any.EncodeToTokens(Text, out string? normalized);
        Assert.That(normalized, Is.Null, "spans refer to the text as it came");
        Assert.That(tokens.Select(t => t.Id), Is.EqualTo(wanted.Ids));
        Assert.That(tokens.Select(t => t.Value), Is.EqualTo(wanted.Tokens));
        // The one character beyond the BMP is code point 8 and the units 8 and 9.
        Assert.That(tokens.Select(t => (t.Offset.Start.Value, t.Offset.End.Value)), Is.EqualTo(wanted.Offsets.Select(o => (o.Start > 8 ? o.Start + 1 : o.Start, o.End > 8 ? o.End + 1 : o.End))));
        Assert.That(any.Decode(wanted.Ids.AsEnumerable()), Is.EqualTo(ours.Decode(wanted.Ids)));
    }

    [Test]
    public void A_text_is_cut_where_its_tokens_end_and_never_within_a_character()
    {
        AnyTokenizer any = Open("gpt2");
        const string text = "ok 🀄 end";
        int whole = any.CountTokens(text);
        for (int most = 0; most <= whole; most++)
        {
            int end = any.GetIndexByTokenCount(text, most, out _, out int count);
            int begin = any.GetIndexByTokenCountFromEnd(text, most, out _, out int fromEnd);
            Assert.That((end, begin), Is.Not.EqualTo((4, 4)).And.Not.EqualTo((5, 5)));
            Assert.That(char.IsLowSurrogate(text.ElementAtOrDefault(end)) || char.IsLowSurrogate(text.ElementAtOrDefault(begin)), Is.False);
            Assert.That((count, fromEnd), Is.LessThanOrEqualTo((most, most)));
            Assert.That(any.EncodeToIds(text, most, out _, out int consumed), Has.Count.EqualTo(count));
            Assert.That(consumed, Is.EqualTo(end));
        }
        Assert.That((any.GetIndexByTokenCount(text, whole, out _, out _), any.GetIndexByTokenCountFromEnd(text, whole, out _, out _)), Is.EqualTo((text.Length, 0)));
    }

    [Test]
    public void Special_tokens_count_and_are_kept_where_a_text_is_cut()
    {
        AnyTokenizer any = Open("bert_uncased");
        var ours = (Tokenizer)any;
        var ids = any.EncodeToIds("the the the the", 4, out _, out int consumed);
        Assert.That(ids, Is.EqualTo(new[] { ours.TokenToId("[CLS]")!.Value, ours.TokenToId("the")!.Value, ours.TokenToId("the")!.Value, ours.TokenToId("[SEP]")!.Value }));
        Assert.That(consumed, Is.EqualTo(7));
        Assert.That(any.EncodeToIds("the the", 1, out _, out consumed), Is.Empty);
        Assert.That(consumed, Is.Zero);
    }

    [Test]
    public void Parts_can_be_left_out()
    {
        AnyTokenizer any = Open("bert_uncased");
        Assert.That(any.Normalizer!.Normalize("ÉTÉ"), Is.EqualTo("ete"));
        Assert.That(any.PreTokenizer!.PreTokenize("a, b"), Is.EqualTo(new[] { (0, 1), (1, 1), (3, 1) }));
        Assert.That(any.CountTokens("The", considerNormalization: false), Is.EqualTo(3));
        Assert.That(any.EncodeToTokens("a, b", out _, considerPreTokenization: false), Has.Count.EqualTo(3), "one word that is unknown");
    }

    [Test]
    public void Decoding_stops_where_the_place_ends()
    {
        AnyTokenizer any = Open("gpt2");
        var ids = any.EncodeToIds("ok 🀄");
        char[] place = new char[16];
        Assert.That(any.Decode(ids, place, out int taken, out int written), Is.EqualTo(OperationStatus.Done));
        Assert.That((new string(place, 0, written), taken), Is.EqualTo(("ok 🀄", ids.Count)));
        Assert.That(any.Decode(ids, place.AsSpan(0, 4), out taken, out written), Is.EqualTo(OperationStatus.DestinationTooSmall));
        Assert.That(new string(place, 0, written), Is.EqualTo(any.Decode(ids.Take(taken))), "what was written is the text of what was taken");
        Assert.That(written, Is.LessThanOrEqualTo(3));
    }
}
