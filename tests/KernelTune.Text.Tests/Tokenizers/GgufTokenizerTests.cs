using System.Text.Json.Nodes;
using KernelTune.Checkpoints;

namespace KernelTune.Text.Tests.Tokenizers;

public class GgufTokenizerTests
{
    [Test]
    public void Smollm2_from_its_gguf_agrees_with_the_reference_library()
    {
        using GgufFile file = GgufFile.Open(Shared.Model("smollm2-135m-instruct", "SmolLM2-135M-Instruct.Q4_1.gguf"));
        Tokenizer tokenizer = Tokenizer.FromGguf(file.Metadata, "smollm2.gguf");
        int count = 0;
        foreach (JsonObject golden in GoldenLine.Read(Shared.Golden("real", "smollm2_tokenizer", "cases.jsonl")))
        {
            GoldenTests.Compare(tokenizer, golden);
            count++;
        }

        Assert.That(count, Is.GreaterThanOrEqualTo(300));
        Tokenizer folder = Tokenizer.Load(Shared.Model("smollm2-135m-instruct"));
        Assert.That((tokenizer.BosId, tokenizer.EosId, tokenizer.PadId, tokenizer.UnknownId, tokenizer.VocabSize), Is.EqualTo((1, 2, 2, 0, 49152)));
        Assert.That(tokenizer.Config.ChatTemplate, Is.EqualTo(folder.Config.ChatTemplate));
        Assert.That(tokenizer.AddedTokens, Is.EqualTo(folder.AddedTokens));
    }

    /// <summary>The golden's pieces carry SentencePiece's scores in their order, so the merges must come out as the reference library's converter has them.</summary>
    [Test]
    public void A_sentencepiece_vocabulary_gives_the_merges_of_llama2()
    {
        string folder = Shared.Golden("tokenizers", "llama2");
        JsonObject model = JsonNode.Parse(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")))!["model"]!.AsObject();
        string[] tokens = [.. model["vocab"]!.AsObject().OrderBy(t => (int)t.Value!).Select(t => t.Key)];
        var types = new int[tokens.Length];
        (types[0], types[1], types[2]) = (2, 3, 3);
        Tokenizer tokenizer = Tokenizer.FromGguf(new Dictionary<string, object>
        {
            ["tokenizer.ggml.model"] = "llama",
            ["tokenizer.ggml.tokens"] = tokens,
            ["tokenizer.ggml.scores"] = tokens.Select((_, id) => -(float)id).ToArray(),
            ["tokenizer.ggml.token_type"] = types,
            ["tokenizer.ggml.bos_token_id"] = 1u,
            ["tokenizer.ggml.eos_token_id"] = 2u,
            ["tokenizer.ggml.unknown_token_id"] = 0u,
        });
        foreach (JsonObject golden in GoldenLine.Read(Path.Combine(folder, "cases.jsonl")).Where(g => g["pair"] is null && g["batch"] is null)) GoldenTests.Compare(tokenizer, golden);
        Assert.That((tokenizer.BosId, tokenizer.EosId), Is.EqualTo((1, 2)));
    }

    [Test]
    public void What_is_wrong_is_named_by_its_key()
    {
        Refused([], "g.gguf: tokenizer.ggml.tokens: the key is missing");
        Refused(new() { ["tokenizer.ggml.tokens"] = new[] { "a", "a" } }, "g.gguf: tokenizer.ggml.tokens: the ids 0 and 1 have the same token \"a\"");
        Refused(new() { ["tokenizer.ggml.tokens"] = new[] { "a" }, ["tokenizer.ggml.model"] = "rwkv" }, "g.gguf: tokenizer.ggml.model: the model \"rwkv\" is not supported; gpt2, llama, bert and t5 are");
        Refused(new() { ["tokenizer.ggml.tokens"] = new[] { "a" }, ["tokenizer.ggml.model"] = "gpt2" },
            "g.gguf: tokenizer.ggml.pre: the key is missing: without it the rules by which the text is split are not known");
        Refused(new() { ["tokenizer.ggml.tokens"] = new[] { "a" }, ["tokenizer.ggml.model"] = "gpt2", ["tokenizer.ggml.pre"] = "martian" },
            "g.gguf: tokenizer.ggml.pre: the splitting rules \"martian\" are not supported");
        Refused(new() { ["tokenizer.ggml.tokens"] = new[] { "a" }, ["tokenizer.ggml.model"] = "gpt2", ["tokenizer.ggml.pre"] = "gpt-2", ["tokenizer.ggml.merges"] = new[] { "ab" } },
            "g.gguf: tokenizer.ggml.merges[0]: found \"ab\", two tokens with one space between them are wanted");
        Refused(new() { ["tokenizer.ggml.tokens"] = new[] { "a" }, ["tokenizer.ggml.model"] = "gpt2", ["tokenizer.ggml.pre"] = "gpt-2", ["tokenizer.ggml.merges"] = Array.Empty<string>(), ["tokenizer.ggml.eos_token_id"] = 9u },
            "g.gguf: tokenizer.ggml.eos_token_id: found 9, but there are 1 tokens");
    }

    [TestCase("gpt-2")]
    [TestCase("smollm")]
    [TestCase("llama-bpe")]
    [TestCase("qwen2")]
    [TestCase("gpt-4o")]
    [TestCase("tekken")]
    public void The_splitting_rules_can_be_read(string pre)
    {
        string[] tokens = [.. Enumerable.Range(0, 256).Select(b => Models.ByteAlphabet.Of((byte)b).ToString()), "<s>"];
        Tokenizer tokenizer = Tokenizer.FromGguf(new Dictionary<string, object>
        {
            ["tokenizer.ggml.model"] = "gpt2",
            ["tokenizer.ggml.pre"] = pre,
            ["tokenizer.ggml.tokens"] = tokens,
            ["tokenizer.ggml.merges"] = Array.Empty<string>(),
            ["tokenizer.ggml.bos_token_id"] = 256u,
        });
        Assert.That(tokenizer.Decode(tokenizer.EncodeIds("Hello  world 123's ñ\n\n𝒳")), Does.EndWith("Hello  world 123's ñ\n\n𝒳"));
        Assert.That(tokenizer.EncodeIds("x")[0] == 256, Is.EqualTo(pre is "llama-bpe" or "tekken"));
    }

    /// <summary>llama.cpp stores WordPiece with ▁ where a word begins and without ##.</summary>
    [Test]
    public void A_vocabulary_of_bert_agrees_with_the_golden()
    {
        string folder = Shared.Golden("tokenizers", "bert_uncased");
        JsonObject json = JsonNode.Parse(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")))!.AsObject();
        string[] tokens = [.. json["model"]!["vocab"]!.AsObject().OrderBy(t => (int)t.Value!).Select(t => t.Key)];
        string[] special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
        Tokenizer tokenizer = Tokenizer.FromGguf(new Dictionary<string, object>
        {
            ["tokenizer.ggml.model"] = "bert",
            ["tokenizer.ggml.tokens"] = tokens.Select(t => special.Contains(t) ? t : t.StartsWith("##", StringComparison.Ordinal) ? t[2..] is { Length: > 0 } rest ? rest : t : "▁" + t).ToArray(),
            ["tokenizer.ggml.token_type"] = tokens.Select(t => special.Contains(t) ? 3 : 1).ToArray(),
            ["tokenizer.ggml.cls_token_id"] = 2u,
            ["tokenizer.ggml.seperator_token_id"] = 3u,
            ["tokenizer.ggml.unknown_token_id"] = 1u,
            ["tokenizer.ggml.padding_token_id"] = 0u,
        });
        string[] added = [.. json["added_tokens"]!.AsArray().Select(t => (string)t!["content"]!).Skip(5)];
        var lines = GoldenLine.Read(Path.Combine(folder, "cases.jsonl")).Where(g => g["text"] is { } t && !added.Any(((string)t!).Contains) && !(g["pair"] is { } p && added.Any(((string)p!).Contains))).ToList();
        Assert.That(lines, Has.Count.GreaterThan(80));
        foreach (JsonObject golden in lines) GoldenTests.Compare(tokenizer, golden);
    }

    [Test]
    public void Minilm_from_its_gguf_and_from_its_list_of_words_agree_with_its_tokenizer_json()
    {
        using GgufFile file = GgufFile.Open(Shared.Model("all-minilm-l6-v2", "all-MiniLM-L6-v2.Q8_0-Q4_1.gguf"));
        Tokenizer tokenizer = Tokenizer.FromGguf(file.Metadata, "minilm.gguf"), wanted = Tokenizer.Load(Shared.Model("all-minilm-l6-v2"));
        Tokenizer words = Tokenizer.FromWordPiece(File.ReadAllBytes(Shared.Model("all-minilm-l6-v2", "vocab.txt")));
        Assert.That((tokenizer.VocabSize, tokenizer.Config.ClsToken, tokenizer.Config.SepToken), Is.EqualTo((wanted.VocabSize, "[CLS]", "[SEP]")));
        foreach (string line in File.ReadLines(Shared.Model("data", "corpus", "opticks.txt")).Take(400).Append("Ünïcode ##x 今天 [MASK] don't"))
        {
            Assert.That(tokenizer.EncodeIds(line), Is.EqualTo(wanted.EncodeIds(line)), line);
            Assert.That(words.EncodeIds(line), Is.EqualTo(wanted.EncodeIds(line)), line);
        }
    }

    [Test]
    public void A_vocabulary_of_t5_agrees_with_the_golden()
    {
        string folder = Shared.Golden("tokenizers", "t5");
        JsonObject json = JsonNode.Parse(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")))!.AsObject();
        var pieces = json["model"]!["vocab"]!.AsArray().Select(p => ((string)p![0]!, (float)(double)p[1]!)).ToList();
        Tokenizer tokenizer = Tokenizer.FromGguf(new Dictionary<string, object>
        {
            ["tokenizer.ggml.model"] = "t5",
            ["tokenizer.ggml.tokens"] = pieces.Select(p => p.Item1).ToArray(),
            ["tokenizer.ggml.scores"] = pieces.Select(p => p.Item2).ToArray(),
            ["tokenizer.ggml.token_type"] = pieces.Select((p, id) => id == 2 ? 2 : id < 2 ? 3 : 1).ToArray(),
            ["tokenizer.ggml.precompiled_charsmap"] = Convert.FromBase64String((string)json["normalizer"]!["normalizers"]![0]!["precompiled_charsmap"]!),
            ["tokenizer.ggml.add_space_prefix"] = true,
            ["tokenizer.ggml.remove_extra_whitespaces"] = true,
        });
        Assert.That((tokenizer.BosId, tokenizer.EosId, tokenizer.UnknownId, tokenizer.PadId), Is.EqualTo(((int?)null, 1, 2, 0)), "llama.cpp's defaults of the kind");
        Assert.That((tokenizer.Config.AddBosToken, tokenizer.Config.AddEosToken), Is.EqualTo(((bool?)false, (bool?)true)));
        int count = 0;
        foreach (JsonObject golden in GoldenLine.Read(Path.Combine(folder, "cases.jsonl")).Where(g => g["text"] is { } t && !g.ContainsKey("pair") && !((string)t!).Contains("<extra_id", StringComparison.Ordinal)))
        {
            GoldenTests.Compare(tokenizer, golden);
            count++;
        }
        Assert.That(count, Is.GreaterThan(60));
    }

    private static readonly string[] Marked = ["<unk>", "<s>", "</s>", "▁", "a", "b", "▁a"];

    private static Dictionary<string, object> Pieces(string kind, params (string Key, object Value)[] more)
    {
        var metadata = new Dictionary<string, object>
        {
            ["tokenizer.ggml.model"] = kind,
            ["tokenizer.ggml.tokens"] = Marked,
            ["tokenizer.ggml.scores"] = Marked.Select((_, id) => -(float)id).ToArray(),
            ["tokenizer.ggml.token_type"] = new[] { 2, 3, 3, 1, 1, 1, 1 },
        };
        foreach (var (key, value) in more) metadata["tokenizer.ggml." + key] = value;
        return metadata;
    }

    /// <summary>The ids of "a  b"; the default of each flag is llama.cpp's for the kind.</summary>
    [TestCase("llama", null, null, null, ExpectedResult = new[] { 1, 6, 3, 3, 5 })]
    [TestCase("llama", false, null, null, ExpectedResult = new[] { 6, 3, 3, 5 })]
    [TestCase("llama", false, true, null, ExpectedResult = new[] { 6, 3, 3, 5, 2 })]
    [TestCase("llama", true, true, false, ExpectedResult = new[] { 1, 4, 3, 3, 5, 2 })]
    [TestCase("llama", false, false, false, ExpectedResult = new[] { 4, 3, 3, 5 })]
    public int[] Flags_say_what_is_put_around_and_before_a_text(string kind, bool? bos, bool? eos, bool? space)
    {
        (string, object)[] flags = [.. new[] { ("add_bos_token", bos), ("add_eos_token", eos), ("add_space_prefix", space) }.Where(f => f.Item2 is not null).Select(f => (f.Item1, (object)f.Item2!.Value))];
        Tokenizer tokenizer = Tokenizer.FromGguf(Pieces(kind, flags));
        Assert.That((tokenizer.BosId, tokenizer.EosId, tokenizer.UnknownId), Is.EqualTo((1, 2, 0)), "the kind's own where the file names none");
        Assert.That((tokenizer.Config.AddBosToken, tokenizer.Config.AddEosToken), Is.EqualTo(((bool?)(bos ?? true), (bool?)(eos ?? false))));
        Assert.That(tokenizer.Decode(tokenizer.EncodeIds("a  b")), Is.EqualTo("a  b"));
        return tokenizer.EncodeIds("a  b");
    }

    [TestCase(null, null, null, ExpectedResult = new[] { 4, 3, 5, 2 })]
    [TestCase(null, null, true, ExpectedResult = new[] { 6, 3, 5, 2 })]
    [TestCase(null, false, true, ExpectedResult = new[] { 6, 3, 5 })]
    [TestCase(true, false, false, ExpectedResult = new[] { 1, 4, 3, 5 })]
    public int[] Flags_of_a_scored_vocabulary(bool? bos, bool? eos, bool? space)
    {
        (string, object)[] flags = [.. new[] { ("add_bos_token", bos), ("add_eos_token", eos), ("add_space_prefix", space) }.Where(f => f.Item2 is not null).Select(f => (f.Item1, (object)f.Item2!.Value))];
        Tokenizer tokenizer = Tokenizer.FromGguf(Pieces("t5", [.. flags, ("bos_token_id", 1u), ("eos_token_id", 2u), ("unknown_token_id", 0u)]));
        Assert.That((tokenizer.Config.AddBosToken, tokenizer.Config.AddEosToken), Is.EqualTo(((bool?)(bos ?? false), (bool?)(eos ?? true))));
        return tokenizer.EncodeIds("a b");
    }

    [TestCase("gpt-2", null, null, ExpectedResult = new[] { 0 })]
    [TestCase("gpt-2", true, true, ExpectedResult = new[] { 1, 0, 2 })]
    [TestCase("qwen2", null, true, ExpectedResult = new[] { 0, 2 })]
    [TestCase("llama-bpe", null, null, ExpectedResult = new[] { 1, 0 })]
    [TestCase("llama-bpe", false, null, ExpectedResult = new[] { 0 })]
    public int[] Flags_count_before_what_the_splitting_rules_have(string pre, bool? bos, bool? eos)
    {
        var metadata = new Dictionary<string, object>
        {
            ["tokenizer.ggml.model"] = "gpt2", ["tokenizer.ggml.pre"] = pre, ["tokenizer.ggml.tokens"] = new[] { "a", "<s>", "</s>" }, ["tokenizer.ggml.merges"] = Array.Empty<string>(),
            ["tokenizer.ggml.bos_token_id"] = 1u, ["tokenizer.ggml.eos_token_id"] = 2u,
        };
        if (bos is { } b) metadata["tokenizer.ggml.add_bos_token"] = b;
        if (eos is { } e) metadata["tokenizer.ggml.add_eos_token"] = e;
        return Tokenizer.FromGguf(metadata).EncodeIds("a");
    }

    [Test]
    public void A_token_that_is_to_be_added_must_be_named()
    {
        Dictionary<string, object> metadata = new()
        {
            ["tokenizer.ggml.model"] = "gpt2", ["tokenizer.ggml.pre"] = "gpt-2", ["tokenizer.ggml.tokens"] = new[] { "a" }, ["tokenizer.ggml.merges"] = Array.Empty<string>(), ["tokenizer.ggml.add_eos_token"] = true,
        };
        Refused(metadata, "g.gguf: tokenizer.ggml.eos_token_id: the key is missing");
        metadata["tokenizer.ggml.add_eos_token"] = 1;
        Refused(metadata, "g.gguf: tokenizer.ggml.add_eos_token: found Int32, true or false is wanted");
    }

    private static void Refused(Dictionary<string, object> metadata, string message) =>
        Assert.That(() => Tokenizer.FromGguf(metadata, "g.gguf"), Throws.InstanceOf<TokenizerException>().With.Message.EqualTo(message));
}
