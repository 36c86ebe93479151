using System.Text;

namespace KernelTune.Text.Tests.Tokenizers;

/// <summary>What can be wrong with a WordPiece or Unigram model, and what they do at their edges.</summary>
public class ModelFaultTests
{
    private static Tokenizer Of(string model, string rest = "\"added_tokens\":[]") => Tokenizer.Parse(Encoding.UTF8.GetBytes($"{{{rest},\"model\":{model}}}"), "t.json");

    private static void Refused(string model, string message) =>
        Assert.That(() => Of(model), Throws.TypeOf<TokenizerException>().With.Message.EqualTo("t.json: " + message));

    [Test]
    public void A_unigram_model_that_is_broken_is_refused()
    {
        Refused("""{"type":"Unigram","unk_id":2,"vocab":[["a",-1],["b",-2]]}""", "model.unk_id: the unknown token has the id 2, but there are 2 tokens");
        Refused("""{"type":"Unigram","unk_id":0,"vocab":[["a",-1],["b"]]}""", "model.vocab[1]: a token and its score are wanted, as [\"a\", -1.5]");
        Refused("""{"type":"Unigram","unk_id":0,"vocab":[["a",-1],["b","x"]]}""", "model.vocab[1]: found the string \"x\", a number is wanted");
        Refused("""{"type":"Unigram","unk_id":0,"vocab":[["a",-1],["b",-1e999]]}""", "model.vocab[1]: the score of \"b\" is not finite");
        Refused("""{"type":"Unigram","unk_id":0,"byte_fallback":true,"vocab":[["a",-1],["<0xZZ>",-2]]}""",
            "model.vocab: the token \"<0xZZ>\" (id 1) looks like a byte, but two hexadecimal digits are wanted after 0x");
        Refused("""{"type":"WordPiece","unk_token":"[UNK]","vocab":{"a":0}}""", "model.unk_token: the unknown token \"[UNK]\" is not in the vocabulary");
        Refused("""{"vocab":{"a":0}}""",
            "model: 'type' is missing, and there is nothing that tells it: merges as a BPE has, a vocab of scores (Unigram), a continuing_subword_prefix (WordPiece), an unk_token (WordLevel)");
    }

    [Test]
    public void A_unigram_model_without_an_unknown_token_refuses_what_it_lacks()
    {
        Tokenizer tokenizer = Of("""{"type":"Unigram","vocab":[["a",-1],["ab",-1.5],["b",-1]]}""");
        Assert.That(tokenizer.EncodeIds("abba"), Is.EqualTo(new[] { 1, 2, 0 }));
        Assert.That(() => tokenizer.EncodeIds("abxa"), Throws.TypeOf<TokenizerException>().With.Message.EqualTo("t.json: model.unk_id: the vocabulary lacks \"x\" and the unknown token too"));
    }

    [Test]
    public void Unknown_neighbours_of_a_unigram_model_are_one_token_that_shows_the_text()
    {
        Tokenizer tokenizer = Of("""{"vocab":[["<unk>",0],["a",-1]],"unk_id":0}""");
        TokenEncoding encoding = tokenizer.Encode("axyz𝒳a");
        Assert.That(encoding.Ids, Is.EqualTo(new[] { 1, 0, 1 }));
        Assert.That(encoding.Tokens, Is.EqualTo(new[] { "a", "xyz𝒳", "a" }));
        Assert.That(encoding.Offsets.Select(o => (o.Start, o.End)), Is.EqualTo(new[] { (0, 1), (1, 5), (5, 6) }));
    }

    [Test]
    public void Bytes_of_a_unigram_model_share_the_span_of_what_they_spell()
    {
        string bytes = string.Join(',', Enumerable.Range(0, 256).Select(b => $"[\"<0x{b:X2}>\",0]"));
        Tokenizer tokenizer = Of($$"""{"type":"Unigram","unk_id":0,"byte_fallback":true,"vocab":[["<unk>",0],["a",-1],{{bytes}}]}""");
        TokenEncoding encoding = tokenizer.Encode("aéa");
        Assert.That(encoding.Ids, Is.EqualTo(new[] { 1, 2 + 0xC3, 2 + 0xA9, 1 }));
        Assert.That(encoding.Offsets.Select(o => (o.Start, o.End)), Is.EqualTo(new[] { (0, 1), (1, 2), (1, 2), (2, 3) }));
        Assert.That(tokenizer.CountTokens("aéa"), Is.EqualTo(4));
    }

    [Test]
    public void A_word_longer_than_allowed_is_unknown()
    {
        Tokenizer tokenizer = Of("""{"type":"WordPiece","unk_token":"?","max_input_chars_per_word":3,"vocab":{"?":0,"a":1,"##a":2,"##b":3,"##":4}}""");
        Assert.That(tokenizer.EncodeIds("aab"), Is.EqualTo(new[] { 1, 2, 3 }));
        Assert.That(tokenizer.EncodeIds("aabb"), Is.EqualTo(new[] { 0 }));
        Assert.That(tokenizer.EncodeIds("ac"), Is.EqualTo(new[] { 0 }), "the prefix alone is no token of a word");
    }

    [TestCase("\"!\"", "The input is not a valid Base-64 string")]
    [TestCase("\"AAA=\"", "2 bytes are too few for a character map")]
    [TestCase("\"CAAAAAAA\"", "the character map's trie would have 8 bytes of the 2 that follow")]
    [TestCase("7", "found the number 7, a string is wanted")]
    public void A_character_map_that_is_none_is_refused(string map, string message) =>
        Assert.That(() => Of("""{"type":"WordLevel","unk_token":"a","vocab":{"a":0}}""", $$"""  "normalizer":{"type":"Precompiled","precompiled_charsmap":{{map}}}"""),
            Throws.TypeOf<TokenizerException>().With.Message.StartsWith("t.json: normalizer.precompiled_charsmap: " + message));

    [TestCase("bert_uncased")]
    [TestCase("t5")]
    [TestCase("xlm_roberta")]
    public void A_word_of_a_megabyte_takes_linear_time(string name)
    {
        Tokenizer tokenizer = Tokenizer.Load(Shared.Golden("tokenizers", name));
        var watch = System.Diagnostics.Stopwatch.StartNew();
        int[] ids = tokenizer.EncodeIds(string.Concat(Enumerable.Repeat("abcab", 210_000)));
        Assert.That(ids, Has.Length.GreaterThan(name == "bert_uncased" ? 2 : 100_000));
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(20)));
    }
}
