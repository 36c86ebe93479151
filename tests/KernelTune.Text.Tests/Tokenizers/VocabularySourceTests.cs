using System.Text;
using System.Text.Json.Nodes;
using Google.Protobuf;

namespace KernelTune.Text.Tests.Tokenizers;

/// <summary>The goldens' vocabularies, written in the files that models had before tokenizer.json, give the goldens' tokens again.</summary>
public class VocabularySourceTests
{
    private static JsonObject Golden(string name) => JsonNode.Parse(File.ReadAllBytes(Path.Combine(Shared.Golden("tokenizers", name), "tokenizer.json")))!.AsObject();

    private static string[] Tokens(JsonObject model) => [.. model["vocab"]!.AsObject().OrderBy(t => (int)t.Value!).Select(t => t.Key)];

    private static AddedToken[] Added(JsonObject json) =>
    [
        .. json["added_tokens"]!.AsArray().Select(t => new AddedToken
        {
            Id = (int)t!["id"]!, Content = (string)t["content"]!, SingleWord = (bool)t["single_word"]!, LeftStrip = (bool)t["lstrip"]!, RightStrip = (bool)t["rstrip"]!,
            Normalized = (bool)t["normalized"]!, Special = (bool)t["special"]!,
        }),
    ];

    private static void Agrees(Tokenizer tokenizer, string name)
    {
        int count = 0;
        foreach (JsonObject golden in GoldenLine.Read(Path.Combine(Shared.Golden("tokenizers", name), "cases.jsonl")))
        {
            // The golden's template of a pair is its own, not that of the family.
            if (name == "mistral" && golden.ContainsKey("pair")) continue;
            GoldenTests.Compare(tokenizer, golden);
            count++;
        }
        Assert.That(count, Is.GreaterThan(100));
    }

    [TestCase("bert_uncased", true)]
    public void A_vocabulary_of_lines_is_a_bert(string name, bool lowercase)
    {
        JsonObject json = Golden(name);
        byte[] lines = Encoding.UTF8.GetBytes(string.Join('\n', Tokens(json["model"]!.AsObject())) + "\n");
        Agrees(Tokenizer.FromWordPiece(lines, options: new VocabularyOptions { TokenizerClass = "BertTokenizer", Lowercase = lowercase, AddedTokens = Added(json) }), name);
        Assert.That(() => Tokenizer.FromWordPiece("[UNK]\na\na\n"u8), Throws.TypeOf<TokenizerException>().With.Message.EqualTo("vocab.txt: line 3: the token \"a\" stands in line 2 already"));
        Assert.That(() => Tokenizer.FromWordPiece("a\nb\n"u8), Throws.TypeOf<TokenizerException>().With.Message.EqualTo("vocab.txt: the unknown token \"[UNK]\" is not among the 2 tokens"));
        Assert.That(() => Tokenizer.FromWordPiece("[UNK]\n\xFF"u8), Throws.Nothing, "a character, not a byte");
        Assert.That(() => Tokenizer.FromWordPiece([(byte)'a', 0xFF]), Throws.TypeOf<TokenizerException>().With.Message.EqualTo("vocab.txt: byte 1 is not valid UTF-8"));
        Assert.That(() => Tokenizer.FromWordPiece("a\n"u8, options: new VocabularyOptions { TokenizerClass = "MartianTokenizer" }), Throws.TypeOf<TokenizerNotSupportedException>());
    }

    [TestCase("gpt2", "GPT2Tokenizer")]
    [TestCase("real_gpt2", null)]
    [TestCase("roberta", "RobertaTokenizerFast")]
    [TestCase("clip", "CLIPTokenizer")]
    [TestCase("gpt1", "OpenAIGPTTokenizer")]
    [TestCase("qwen2", "Qwen2Tokenizer")]
    public void Two_files_of_merges_are_the_family_s(string name, string? family)
    {
        JsonObject json = Golden(name), model = json["model"]!.AsObject();
        string merges = "#version: 0.2\n" + string.Join('\n', model["merges"]!.AsArray().Select(m => m is JsonArray pair ? $"{pair[0]} {pair[1]}" : (string)m!)) + "\n";
        Agrees(Tokenizer.FromMerges(Encoding.UTF8.GetBytes(model["vocab"]!.ToJsonString()), Encoding.UTF8.GetBytes(merges), options: new VocabularyOptions { TokenizerClass = family, AddedTokens = Added(json) }), name);
    }

    [Test]
    public void A_line_of_merges_that_is_wrong_is_named() =>
        Assert.That(() => Tokenizer.FromMerges("{\"a\":0}"u8, "#version: 0.2\na a a\n"u8, "v.json"),
            Throws.TypeOf<TokenizerException>().With.Message.EqualTo("v merges: line 2: found \"a a a\", two tokens with one space between them are wanted"));

    /// <summary>GPT-2's own ranks: its vocabulary in the order of the merges, as tiktoken published it.</summary>
    [Test]
    public void Ranks_give_the_ids_of_their_order()
    {
        JsonObject model = Golden("real_gpt2")["model"]!.AsObject();
        string[] tokens = [.. Tokens(model).Where(t => t != "<|endoftext|>")];
        string ranks = string.Join('\n', tokens.Select((t, rank) => $"{Convert.ToBase64String([.. t.Select(c => (byte)Models.ByteAlphabet.ByteOf(c))])} {rank}"));
        Tokenizer tokenizer = Tokenizer.FromTiktoken(Encoding.UTF8.GetBytes(ranks), TiktokenPatterns.Gpt2, new Dictionary<string, int> { ["<|endoftext|>"] = tokens.Length + 1 });
        Assert.That((tokenizer.VocabSize, tokenizer.TokenToId("<|endoftext|>"), tokenizer.IdToToken(tokens.Length)), Is.EqualTo((50258, 50257, "<|unused_50256|>")));
        Tokenizer golden = Tokenizer.Load(Shared.Golden("tokenizers", "real_gpt2"));
        int count = 0;
        foreach (JsonObject line in GoldenLine.Read(Path.Combine(Shared.Golden("tokenizers", "real_gpt2"), "cases.jsonl")).Where(l => l["text"] is not null))
        {
            string text = (string)line["text"]!;
            if (text.Contains("<|endoftext|>", StringComparison.Ordinal)) continue;
            Assert.That(tokenizer.EncodeIds(text), Is.EqualTo(golden.EncodeIds(text, addSpecialTokens: false)), text);
            count++;
        }
        Assert.That(count, Is.GreaterThan(100));
    }

    [TestCase("t5", "T5Tokenizer")]
    [TestCase("albert", "AlbertTokenizer")]
    [TestCase("xlm_roberta", "XLMRobertaTokenizer")]
    public void A_scored_model_is_the_family_s(string name, string family)
    {
        JsonObject json = Golden(name), model = json["model"]!.AsObject();
        AddedToken[] added = Added(json);
        var vocabulary = model["vocab"]!.AsArray().Select(p => ((string)p![0]!, (float)(double)p[1]!)).ToList();
        int extra = added.Count(t => t.Content.StartsWith("<extra_id_", StringComparison.Ordinal));
        vocabulary = [.. vocabulary.Take(vocabulary.Count - extra)];
        // fairseq's four tokens stand for the model's own three, and the mask behind them.
        if (name == "xlm_roberta") vocabulary = [("<unk>", 0), ("<s>", 0), ("</s>", 0), .. vocabulary.Skip(4).SkipLast(1)];
        string map = json["normalizer"]!["normalizers"]!.AsArray().Select(n => (string?)n!["precompiled_charsmap"]).First(m => m is not null)!;
        int unknown = vocabulary.FindIndex(v => v.Item1 == "<unk>");
        byte[] file = Model(1, unknown, Convert.FromBase64String(map), vocabulary.Select((v, id) => (v.Item1, v.Item2, id == unknown ? 2 : v.Item1 is "<s>" or "</s>" or "<pad>" ? 3 : 1)));
        Agrees(Tokenizer.FromSentencePiece(file, options: new VocabularyOptions { TokenizerClass = family, ExtraIds = extra, AddedTokens = added }), name);
    }

    [TestCase("llama2", "LlamaTokenizer", true)]
    [TestCase("llama2", null, true)]
    [TestCase("mistral", "LlamaTokenizer", false)]
    [TestCase("gemma", "GemmaTokenizer", true)]
    public void A_merged_model_is_the_family_s(string name, string? family, bool legacy)
    {
        JsonObject json = Golden(name);
        string[] tokens = Tokens(json["model"]!.AsObject());
        int Kind(string t) => t == "<unk>" ? 2 : t is "<s>" or "</s>" or "<bos>" or "<eos>" or "<pad>" ? 3 : t.StartsWith("<0x", StringComparison.Ordinal) ? 6 : 1;
        byte[] file = Model(2, Array.IndexOf(tokens, "<unk>"), [], tokens.Select((t, id) => (t, -(float)id, Kind(t))), bytes: true, removeSpaces: false,
            bos: Math.Max(Array.IndexOf(tokens, "<s>"), Array.IndexOf(tokens, "<bos>")), eos: Math.Max(Array.IndexOf(tokens, "</s>"), Array.IndexOf(tokens, "<eos>")));
        var config = new TokenizerConfig { AddEosToken = name == "mistral" ? true : null };
        Agrees(Tokenizer.FromSentencePiece(file, config: config, options: new VocabularyOptions { TokenizerClass = family, Legacy = legacy, AddedTokens = Added(json) }), name);
    }

    [Test]
    public void What_is_no_model_is_refused()
    {
        Assert.That(() => Tokenizer.FromSentencePiece([0x0A, 0xFF, 0xFF]), Throws.TypeOf<TokenizerException>().With.Message.StartsWith("tokenizer.model: the field at byte 0: not a SentencePiece model: "));
        Assert.That(() => Tokenizer.FromSentencePiece([]), Throws.TypeOf<TokenizerException>().With.Message.EqualTo("tokenizer.model: there are no pieces: this is no SentencePiece model"));
        Assert.That(() => Tokenizer.FromSentencePiece(Model(3, 0, [], [("a", 0f, 2)])), Throws.TypeOf<TokenizerNotSupportedException>()
            .With.Message.EqualTo("tokenizer.model: trainer_spec.model_type: the type 3 is not supported; 1 (Unigram) and 2 (BPE) are"));
        byte[] whole = Model(1, 0, [], [("<unk>", 0f, 2), ("a", -1f, 1), ("▁", -1f, 1)]);
        Assert.That(Enumerable.Range(0, whole.Length).Count(length => Refused(whole[..length])), Is.InRange(20, whole.Length - 1), "cut anywhere it is refused, or ends between two parts");
    }

    private static bool Refused(byte[] model)
    {
        try
        {
            Tokenizer.FromSentencePiece(model);
            return false;
        }
        catch (TokenizerException)
        {
            return true;
        }
    }

    [Test]
    public void A_folder_without_a_tokenizer_json_is_read_from_what_it_has()
    {
        string folder = Path.Combine(TestContext.CurrentContext.WorkDirectory, "sources-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        try
        {
            File.WriteAllText(Path.Combine(folder, "vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\n##se\n");
            File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"tokenizer_class":"BertTokenizer","do_lower_case":true,"added_tokens_decoder":{"7":{"content":"<x>","special":true}}}""");
            Tokenizer tokenizer = Tokenizer.Load(folder);
            Assert.That(tokenizer.EncodeIds("These<x>"), Is.EqualTo(new[] { 2, 5, 6, 7, 3 }));
            File.WriteAllBytes(Path.Combine(folder, "tokenizer.model"), Model(1, 0, [], [("<unk>", 0f, 2), ("a", -1f, 1), ("▁", -1f, 1)]));
            File.Delete(Path.Combine(folder, "tokenizer_config.json"));
            Assert.That(Tokenizer.Load(folder).EncodeIds("a"), Is.EqualTo(new[] { 2, 1 }), "a model counts before a list of words");
            File.WriteAllText(Path.Combine(folder, "vocab.json"), """{"a":0,"b":1,"ab":2}""");
            File.WriteAllText(Path.Combine(folder, "merges.txt"), "a b\n");
            Assert.That(Tokenizer.Load(folder).EncodeIds("ab"), Is.EqualTo(new[] { 2 }));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>sentencepiece_model.proto, written field by field.</summary>
    internal static byte[] Model(int type, int unknown, byte[] map, IEnumerable<(string Text, float Score, int Kind)> pieces, bool bytes = false, bool removeSpaces = true, int bos = 1, int eos = 2)
    {
        using var stream = new MemoryStream();
        using var output = new CodedOutputStream(stream);
        void Part(int field, Action<CodedOutputStream> write)
        {
            using var inner = new MemoryStream();
            using (var part = new CodedOutputStream(inner, leaveOpen: true)) write(part);
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(inner.ToArray()));
        }
        void Number(CodedOutputStream to, int field, int value)
        {
            to.WriteTag(field, WireFormat.WireType.Varint);
            to.WriteInt32(value);
        }
        foreach (var (text, score, kind) in pieces)
        {
            Part(1, p =>
            {
                p.WriteTag(1, WireFormat.WireType.LengthDelimited);
                p.WriteString(text);
                p.WriteTag(2, WireFormat.WireType.Fixed32);
                p.WriteFloat(score);
                Number(p, 3, kind);
            });
        }
        Part(2, t =>
        {
            Number(t, 3, type);
            Number(t, 35, bytes ? 1 : 0);
            Number(t, 40, unknown);
            Number(t, 41, bos);
            Number(t, 42, eos);
            t.WriteTag(1, WireFormat.WireType.LengthDelimited);
            t.WriteString("corpus.txt");
        });
        Part(3, n =>
        {
            n.WriteTag(2, WireFormat.WireType.LengthDelimited);
            n.WriteBytes(ByteString.CopyFrom(map));
            Number(n, 4, removeSpaces ? 1 : 0);
        });
        output.Flush();
        return stream.ToArray();
    }
}
