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
            Assert.That(count, Is.InRange(most - 3, most), "🀄 has up to four tokens");
            Assert.That(fromEnd, Is.InRange(most - 3, most));
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

    /// <summary>GPT-2 has a token of a space and the first two bytes of 🀄: the space is complete before the character is.</summary>
    [TestCase("gpt2")]
    [TestCase("real_gpt2")]
    [TestCase("smollm")]
    [TestCase("llama2")]
    public void Decoding_goes_on_where_it_stopped(string name)
    {
        AnyTokenizer any = Open(name);
        const string text = "ok 🀄🀄 end";
        int[] ids = [.. any.EncodeToIds(text)];
        string whole = any.Decode(ids);
        for (int size = 0; size <= whole.Length; size++)
        {
            char[] place = new char[size];
            OperationStatus status = any.Decode(ids, place, out int taken, out int written);
            Assert.That(status, Is.EqualTo(size < whole.Length ? OperationStatus.DestinationTooSmall : OperationStatus.Done));
            string head = new(place, 0, written);
            Assert.That(head, Is.EqualTo(whole[..written]), $"{size} characters");
            Assert.That(any.Decode(ids.Take(taken)), Is.EqualTo(head), $"{size} characters: what was written is the text of what was taken");
            Assert.That(any.Decode(ids.Skip(taken)).TrimStart(), Is.EqualTo(whole[written..].TrimStart()), $"{size} characters: the rest");
        }
    }

    [TestCase("gpt2")]
    [TestCase("bert_uncased")]
    [TestCase("t5")]
    public void Ids_without_a_token_are_invalid_data(string name)
    {
        AnyTokenizer any = Open(name);
        int size = ((Tokenizer)any).VocabSize;
        int[] known = [.. ((Tokenizer)any).EncodeIds("a b", addSpecialTokens: false)];
        foreach (int id in new[] { size, -1, int.MaxValue, int.MinValue })
        {
            Assert.That(() => any.Decode([.. known, id]), Throws.InvalidOperationException.With.Message.EqualTo($"ids[{known.Length}] is {id}, which has no token: there are {size}"));
            char[] place = new char[16];
            Assert.That(any.Decode([.. known, id, .. known], place, out int taken, out int written), Is.EqualTo(OperationStatus.InvalidData));
            Assert.That(new string(place, 0, written), Is.EqualTo(any.Decode(known.Take(taken))));
            Assert.That(taken, Is.EqualTo(known.Length));
        }
        Assert.That(((Tokenizer)any).Decode([.. known, size]), Is.EqualTo(any.Decode(known)), "the library's own decoding passes over them");
        Assert.That(() => any.Decode(null!), Throws.ArgumentNullException);
        Assert.That(() => any.Decode(null!, [], out _, out _), Throws.ArgumentNullException);
    }

    /// <summary>Special tokens take no room and are taken all the same, also behind the last character that fits.</summary>
    [Test]
    public void Decoding_leaves_special_tokens_out()
    {
        AnyTokenizer any = Open("bert_uncased");
        int[] ids = [.. any.EncodeToIds("the")];
        char[] place = new char[3];
        Assert.That(any.Decode(ids, place, out int taken, out int written), Is.EqualTo(OperationStatus.Done));
        Assert.That((new string(place, 0, written), taken), Is.EqualTo(("the", ids.Length)));
        Assert.That(any.Decode([ids[0]], [], out taken, out written), Is.EqualTo(OperationStatus.Done));
        Assert.That((taken, written), Is.EqualTo((1, 0)));
        Assert.That(any.Decode([], [], out taken, out written), Is.EqualTo(OperationStatus.Done));
        Assert.That((taken, written), Is.EqualTo((0, 0)));
    }

    /// <summary>Accents that are taken away and letters that are lowered do not move the places: they are those of the text as it came.</summary>
    [Test]
    public void Places_are_those_of_the_text_before_it_was_normalized()
    {
        AnyTokenizer any = Open("bert_uncased");
        const string text = "The\u0301 The\u0301 the";
        Assert.That(any.GetIndexByTokenCount(text, 4, out string? normalized, out int count), Is.EqualTo("The\u0301 The".Length), "the last accent has no token");
        Assert.That((normalized, count), Is.EqualTo(((string?)null, 4)));
        Assert.That(any.GetIndexByTokenCountFromEnd(text, 4, out normalized, out count), Is.EqualTo("The\u0301 ".Length));
        Assert.That((normalized, count), Is.EqualTo(((string?)null, 4)));
        Assert.That((any.GetIndexByTokenCount(text, 1, out _, out count), any.GetIndexByTokenCountFromEnd(text, 1, out _, out int fromEnd)), Is.EqualTo((0, text.Length)));
        Assert.That((count, fromEnd), Is.EqualTo((0, 0)), "[CLS] and [SEP] alone do not fit");
        Assert.That(any.GetIndexByTokenCount("", 5, out _, out count), Is.Zero);
        Assert.That(count, Is.EqualTo(2));
    }
}
