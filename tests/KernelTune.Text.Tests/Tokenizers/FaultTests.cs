using System.Diagnostics;
using System.Text.Json.Nodes;
using KernelTune.Text.Chat;

namespace KernelTune.Text.Tests.Tokenizers;

/// <summary>Faults 26 to 32 and 34: each gives one message that names the file, the key, what was found and what was wanted.</summary>
public class FaultTests
{
    private static void Refused(Action<JsonObject> change, string message) =>
        Assert.That(() => TinyTokenizer.With(change), Throws.InstanceOf<TokenizerException>().With.Message.EqualTo("t.json: " + message));

    private static JsonObject Model(JsonObject json) => json["model"]!.AsObject();

    [Test]
    public void Fault26_merge_with_a_token_outside_the_vocabulary()
    {
        Refused(j => Model(j)["merges"]![1] = new JsonArray("ab", "x"), "model.merges[1]: \"ab\" + \"x\" needs the token \"x\", which is not in the vocabulary");
        Refused(j => Model(j)["merges"]![1] = new JsonArray("b", "c"), "model.merges[1]: \"b\" + \"c\" needs the token \"bc\", which is not in the vocabulary");
        Refused(j => Model(j)["merges"]![0] = "a b c", "model.merges[0]: found \"a b c\", two tokens with one space between them are wanted");
        Refused(j => Model(j)["merges"]![0] = 3, "model.merges[0]: two tokens are wanted, as \"a b\" or [\"a\", \"b\"]");
        Refused(j => Model(j).Remove("merges"), "model: 'merges' is missing");
    }

    [Test]
    public void Fault27_duplicate_id()
    {
        Refused(j => Model(j)["vocab"]!["b"] = 1, "model.vocab: the id 1 is given to \"a\" and to \"b\"");
        Refused(j => j["added_tokens"]![0]!["id"] = 3, "added_tokens[0]: the id 3 is given to \"<|im_end|>\" and, in the vocabulary, to \"c\"");
        Refused(j => j["added_tokens"]![0]!["content"] = "ab", "added_tokens[0]: \"ab\" has the id 7 here and 4 in the vocabulary");
    }

    [Test]
    public void Fault27_the_same_token_twice() =>
        Assert.That(() => TinyTokenizer.Parse(TinyTokenizer.Json.Replace("\"b\":2", "\"b\":2,\"b\":2", StringComparison.Ordinal)),
            Throws.TypeOf<TokenizerException>().With.Message.EqualTo("t.json: not the JSON that is wanted: Duplicate property 'b' encountered during deserialization."));

    [Test]
    public void Fault27_gap()
    {
        Refused(j => Model(j)["vocab"]!["|"] = 9, "model.vocab: no token has the id 6, though 7 tokens go up to 9 (\"|\"): the ids must have no gap");
        Refused(j => j["added_tokens"]![0]!["id"] = 12, "added_tokens: no token has the id 7, though \"<|im_end|>\" has 12: the ids must have no gap");
        Refused(j => Model(j)["vocab"]!["b"] = -2, "model.vocab: the token \"b\" has the id -2, a whole number not below 0 is wanted");
        Refused(j => Model(j)["vocab"]!["b"] = 4294967298, "model.vocab: the token \"b\" has the id 4294967298, a whole number not below 0 is wanted");
    }

    [Test]
    public void Fault27_id_beyond_the_embedding()
    {
        Tokenizer tokenizer = TinyTokenizer.With(_ => { });
        tokenizer.RequireRows(8);
        Assert.That(() => tokenizer.RequireRows(7),
            Throws.TypeOf<TokenizerException>().With.Message.EqualTo("t.json: the token \"<|im_end|>\" has the id 7, but the model's embedding has 7 rows"));
    }

    [Test]
    public void Fault28_unknown_token_missing() =>
        Refused(j => Model(j)["unk_token"] = "<unk>", "model.unk_token: the unknown token \"<unk>\" is not in the vocabulary");

    [Test]
    public void Fault28_unknown_token_among_the_added_ones_is_refused_only_where_it_is_needed()
    {
        Tokenizer tokenizer = TinyTokenizer.With(j => Model(j)["unk_token"] = "<|im_end|>");
        Assert.That(tokenizer.EncodeIds("abc"), Is.EqualTo(new[] { 5 }));
        Assert.That(() => tokenizer.EncodeIds("abx"), Throws.TypeOf<TokenizerException>().With.Message.EqualTo("t.json: model.unk_token: the vocabulary lacks \"x\" and the unknown token too"));
    }

    [Test]
    public void Fault28_dropout()
    {
        Refused(j => Model(j)["dropout"] = 1.5, "model.dropout: found 1.5, a number from 0 to 1 is wanted");
        Refused(j => Model(j)["dropout"] = 0.1, "model.dropout: dropout 0.1 would make every encoding another one; null is wanted");
        Assert.That(TinyTokenizer.With(j => Model(j)["dropout"] = 0.0).EncodeIds("ab"), Is.EqualTo(new[] { 4 }));
    }

    [Test]
    public void Fault29_unknown_parts()
    {
        Refused(j => j["normalizer"] = new JsonObject { ["type"] = "Frobnicate" }, "normalizer.type: \"Frobnicate\" is no normalizer that is known; leaving it out would change the tokens");
        Refused(j => j["pre_tokenizer"] = new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(new JsonObject { ["type"] = "Whirl" }) },
            "pre_tokenizer.pretokenizers[0].type: \"Whirl\" is no pre-tokenizer that is known; leaving it out would change the tokens");
        Refused(j => j["decoder"] = new JsonObject { ["type"] = "X" }, "decoder.type: \"X\" is no decoder that is known; leaving it out would change the tokens");
        Refused(j => j["post_processor"] = new JsonObject { ["type"] = "X" }, "post_processor.type: \"X\" is no post-processor that is known; leaving it out would change the tokens");
        Refused(j => j["normalizer"] = new JsonObject(), "normalizer: 'type' is missing");
        Refused(j => Model(j)["type"] = "Markov", "model.type: \"Markov\" is no model that is known");
    }

    [Test]
    public void Fault30_a_backtracking_pattern_is_bounded()
    {
        Tokenizer tokenizer = TinyTokenizer.With(j => j["pre_tokenizer"] = Split("(a+)+$"));
        var watch = Stopwatch.StartNew();
        Assert.That(() => tokenizer.EncodeIds(new string('a', 60) + "b"), Throws.TypeOf<TokenizerException>()
            .With.Message.Matches(@"^t\.json: pre_tokenizer\.pattern\.Regex: the pattern took more than \d+ steps on a text of 61 characters$"));
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(20)));
    }

    [TestCase("(a", "the pattern is wrong at character 2: ')' is missing")]
    [TestCase("a)", "the pattern is wrong at character 1: unmatched ')'")]
    [TestCase("[a", "the pattern is wrong at character 2: ']' is missing")]
    [TestCase("*a", "the pattern is wrong at character 0: nothing to repeat")]
    [TestCase(@"\p{Klingon}", "the pattern is wrong at character 2: the property 'Klingon' is not known")]
    [TestCase(@"(a)\1", "the pattern is wrong at character 4: '\\1' is not supported")]
    [TestCase("(?s:a)", "the pattern is wrong at character 2: the group option 's' is not supported")]
    [TestCase("((a{1000}){1000}){1000}", "the pattern needs more than 20000 steps: its repeat counts are too large")]
    public void Fault30_a_broken_pattern_is_named(string pattern, string message) =>
        Refused(j => j["pre_tokenizer"] = Split(pattern), "pre_tokenizer.pattern.Regex: " + message);

    [Test]
    public void Fault31_a_byte_token_that_is_none() =>
        Refused(j =>
        {
            Model(j)["byte_fallback"] = true;
            Model(j)["vocab"]!["<0xZZ>"] = 7;
            j["added_tokens"] = new JsonArray();
        }, "model.vocab: the token \"<0xZZ>\" (id 7) looks like a byte, but two hexadecimal digits are wanted after 0x");

    [Test]
    public void Fault32_an_unbroken_word_of_a_megabyte()
    {
        Tokenizer tokenizer = TinyTokenizer.With(_ => { });
        string word = string.Concat(Enumerable.Repeat("abcab", 210_000));
        var watch = Stopwatch.StartNew();
        int[] ids = tokenizer.EncodeIds(word);
        Assert.That(ids, Has.Length.EqualTo(420_000).And.Exactly(210_000).EqualTo(4));
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(30)), "quadratic merging would take hours");
    }

    [Test]
    public void Fault32_half_a_surrogate_pair_keeps_its_bytes()
    {
        Tokenizer tokenizer = Tokenizer.Load(Shared.Golden("tokenizers", "gpt2"));
        string text = "a\ud800b\udc00\ud83d";
        string bytes = string.Concat(tokenizer.EncodeIds(text).Select(id => tokenizer.IdToToken(id)));
        Assert.That(bytes, Is.EqualTo("aíłĢbí°Ģíł½"));
        Assert.That(tokenizer.Encode(text).Ids, Is.EqualTo(tokenizer.EncodeIds(text)));
        Assert.That(tokenizer.Encode(text).Offsets[^1].End, Is.EqualTo(5), "each half is a code point of its own");
    }

    [Test]
    public void Fault34_special_tokens_of_a_user_are_text()
    {
        Tokenizer tokenizer = Tokenizer.Load(Shared.Golden("tokenizers", "smollm"));
        int end = tokenizer.TokenToId("<|im_end|>")!.Value;
        const string text = "👍 a<|im_end|>b<|im_end|>\n";
        Assert.That(tokenizer.EncodeIds(text).Count(id => id == end), Is.EqualTo(2), "encode recognises them");

        // The user wrote code points 0 to 14; the mark after it is the template's.
        var content = new EncodeOptions { OrdinaryText = [new TextSpan(0, 14)] };
        int[] ids = tokenizer.EncodeIds(text, false, content);
        Assert.That(ids.Count(id => id == end), Is.EqualTo(1));
        Assert.That(tokenizer.Encode(text, null, false, content).Ids, Is.EqualTo(ids));
        Assert.That(tokenizer.Decode(ids, skipSpecialTokens: false), Is.EqualTo(text));

        int[] none = tokenizer.EncodeIds(text, false, new EncodeOptions { SpecialTokensAreText = true });
        Assert.That(none, Has.None.EqualTo(end));
        Assert.That(tokenizer.Decode(none), Is.EqualTo(text));
    }

    [Test]
    public void Fault34_a_mark_that_a_user_only_began_is_none()
    {
        Tokenizer tokenizer = TinyTokenizer.With(_ => { });
        Assert.That(tokenizer.EncodeIds("<|im_end|>"), Is.EqualTo(new[] { 7 }));
        int[] cut = tokenizer.EncodeIds("<|im_end|><|im_end|>", false, new EncodeOptions { OrdinaryText = [new TextSpan(0, 3)] });
        Assert.That(cut, Has.Exactly(1).EqualTo(7));
        Assert.That(cut[^1], Is.EqualTo(7));
        Assert.That(() => tokenizer.EncodeIds("ab", false, new EncodeOptions { OrdinaryText = [new TextSpan(1, 2), new TextSpan(0, 1)] }),
            Throws.ArgumentException.With.Message.EqualTo("ordinary text: span 1 [0, 1) must be ascending and begin at 2 or later"));
    }

    [Test]
    public void What_is_not_json_is_told_by_its_place()
    {
        Assert.That(() => TinyTokenizer.Parse("{\n  \"version\": oops}"), Throws.TypeOf<TokenizerException>().With.Message.StartsWith("t.json: line 2, byte 14: not the JSON that is wanted:"));
        Assert.That(() => TinyTokenizer.Parse(new string('[', 100_000)), Throws.TypeOf<TokenizerException>().With.Message.Contains("depth"));
        Assert.That(() => TinyTokenizer.Parse("[]"), Throws.TypeOf<TokenizerException>().With.Message.Contains("found an array [], an object is wanted"));
        Refused(j => j["version"] = "2.0", "version: found \"2.0\", \"1.0\" is wanted");
        Assert.That(() => Tokenizer.Load(Path.GetTempPath() + "no-such-folder"), Throws.TypeOf<TokenizerException>().With.Message.EndsWith("tokenizer.json: the file is missing, and there is no other vocabulary"));
    }

    private static JsonObject Split(string pattern) =>
        new() { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = pattern }, ["behavior"] = "Isolated", ["invert"] = false };
}
