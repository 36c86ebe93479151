using System.Text;
using System.Text.Json.Nodes;
using KernelTune.Text.Training;

namespace KernelTune.Text.Tests.Tokenizers;

/// <summary>A tokenizer of any source, saved, is the same tokenizer when its folder is read, and the files that it was read from are there as they were.</summary>
public class SavedFolderTests
{
    private const string Text = "The hat, these 2 hats. <x> é\n";

    private static readonly string[] Bytes = [.. Enumerable.Range(0, 256).Select(b => Models.ByteAlphabet.Of((byte)b).ToString())];

    private string root = "";

    private string Source => Directory.CreateDirectory(Path.Combine(root, "source")).FullName;

    private string Copy => Path.Combine(root, "copy");

    [SetUp]
    public void SetUp() => root = Path.Combine(TestContext.CurrentContext.WorkDirectory, "saved-" + Guid.NewGuid().ToString("N"));

    [TearDown]
    public void TearDown() => Directory.Delete(root, recursive: true);

    private void Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

    private void Write(string name, byte[] bytes)
    {
        string path = Path.Combine(Source, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }

    private Tokenizer ComesBack(Tokenizer tokenizer, params string[] unchanged)
    {
        tokenizer.Save(Copy);
        Tokenizer again = Tokenizer.Load(Copy);
        Assert.That(again.Config, Is.EqualTo(tokenizer.Config));
        Assert.That((again.VocabSize, again.BosId, again.EosId, again.PadId, again.UnknownId), Is.EqualTo((tokenizer.VocabSize, tokenizer.BosId, tokenizer.EosId, tokenizer.PadId, tokenizer.UnknownId)));
        Assert.That(again.AddedTokens, Is.EqualTo(tokenizer.AddedTokens));
        Assert.That(again.EncodeIds(Text), Is.EqualTo(tokenizer.EncodeIds(Text)));
        Assert.That(again.Encode(Text, "The hat").Ids, Is.EqualTo(tokenizer.Encode(Text, "The hat").Ids));
        foreach (string name in unchanged) Assert.That(File.ReadAllBytes(Path.Combine(Copy, name)), Is.EqualTo(File.ReadAllBytes(Path.Combine(Source, name))), name);
        Assert.That(Tokenizer.FilesIn(Copy), Is.EquivalentTo(tokenizer.Files.Keys));
        Assert.That(Tokenizer.FilesIn(Copy), Is.SupersetOf(unchanged));
        string second = Path.Combine(root, "second");
        again.Save(second);
        foreach (string name in Tokenizer.FilesIn(Copy)) Assert.That(File.ReadAllBytes(Path.Combine(second, name)), Is.EqualTo(File.ReadAllBytes(Path.Combine(Copy, name))), $"{name}, saved again");
        return again;
    }

    private JsonObject SavedConfig() => JsonNode.Parse(File.ReadAllBytes(Path.Combine(Copy, "tokenizer_config.json")))!.AsObject();

    [Test]
    public void From_tokenizer_json_with_all_that_stands_beside_it()
    {
        Write("tokenizer.json", File.ReadAllBytes(Path.Combine(Shared.Golden("tokenizers", "gpt2"), "tokenizer.json")));
        Write("tokenizer_config.json", """{"bos_token": "<|endoftext|>",   "padding_side": "left"}""");
        Write("special_tokens_map.json", """{"eos_token": {"content": "<|endoftext|>"}}""");
        Write("added_tokens.json", "{}");
        Write("chat_template.jinja", "{{ messages }}");
        Write("additional_chat_templates/tools.jinja", "{{ tools }}");
        Write("vocab.json", "{}");
        Write("merges.txt", "#version: 0.2\n");
        Write("README.md", "no file of a tokenizer");
        Tokenizer again = ComesBack(Tokenizer.Load(Source), "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "additional_chat_templates/tools.jinja",
            "vocab.json", "merges.txt");
        Assert.That(again.Files, Has.Count.EqualTo(8), "and nothing else");
        Assert.That((again.Config.ChatTemplate, again.Config.PaddingSide), Is.EqualTo(("{{ messages }}", TextSide.Left)));
    }

    [TestCase("""{"tokenizer_class":"BertTokenizer","do_lower_case":true,"model_max_length":128,"sep_token":"<x>","added_tokens_decoder":{"7":{"content":"<x>","special":true}}}""")]
    [TestCase(null)]
    public void From_a_list_of_words(string? config)
    {
        Write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nhat\n" + (config is null ? "##s" : "<x>") + "\n");
        if (config is not null) Write("tokenizer_config.json", config);
        Tokenizer again = ComesBack(Tokenizer.Load(Source), "vocab.txt");
        Assert.That(again.Config.ClsToken, Is.EqualTo("[CLS]"), "the family's, which no file names");
        JsonObject saved = SavedConfig();
        Assert.That((string?)saved["cls_token"], Is.EqualTo("[CLS]"));
        Assert.That((string?)saved["tokenizer_class"], Is.EqualTo(config is null ? "PreTrainedTokenizerFast" : "BertTokenizer"));
        if (config is null) return;
        foreach (var (key, value) in JsonNode.Parse(config)!.AsObject()) Assert.That(JsonNode.DeepEquals(saved[key], value), key);
    }

    [Test]
    public void From_two_files_of_merges()
    {
        Write("vocab.json", new JsonObject([.. Bytes.Append("Th").Select((t, id) => KeyValuePair.Create(t, (JsonNode?)id))]).ToJsonString());
        Write("merges.txt", "#version: 0.2\nT h\n");
        Write("special_tokens_map.json", """{"pad_token":"<x>"}""");
        Write("added_tokens.json", """{"<|endoftext|>":257,"<x>":258}""");
        Tokenizer again = ComesBack(Tokenizer.Load(Source), "vocab.json", "merges.txt", "special_tokens_map.json", "added_tokens.json");
        Assert.That((again.EosId, again.PadId), Is.EqualTo((257, 258)));
        Assert.That(SavedConfig().ContainsKey("pad_token"), Is.False, "special_tokens_map.json names it");
    }

    [TestCase(1, "spiece.model", "T5Tokenizer")]
    [TestCase(1, "sentencepiece.bpe.model", "XLMRobertaTokenizer")]
    [TestCase(1, "spiece.model", "XLNetTokenizer")]
    [TestCase(2, "tokenizer.model", "LlamaTokenizer")]
    [TestCase(2, "tokenizer.model", null)]
    public void From_a_sentencepiece_model(int type, string name, string? family)
    {
        string[] pieces = ["<unk>", "<s>", "</s>", "▁", "T", "h", "e", "▁T", "▁Th", "a", "t", .. family == "XLMRobertaTokenizer" ? [] : (string[])["<sep>", "<cls>", "<pad>", "<mask>"]];
        Write(name, VocabularySourceTests.Model(type, 0, [], pieces.Select((p, id) => (p, -(float)id, id == 0 ? 2 : p.StartsWith('<') ? 3 : 1)), removeSpaces: type == 1));
        if (family is not null) Write("tokenizer_config.json", new JsonObject { ["tokenizer_class"] = family, ["extra_ids"] = 2 }.ToJsonString());
        Tokenizer again = ComesBack(Tokenizer.Load(Source), name);
        Assert.That(again.Config.PaddingSide, Is.EqualTo(family == "XLNetTokenizer" ? TextSide.Left : TextSide.Right));
        Assert.That(again.EosId, Is.Not.Null);
    }

    [Test]
    public void From_ranks_of_tiktoken()
    {
        Write("tokenizer.model", string.Concat(Enumerable.Range(0, 256).Select(b => $"{Convert.ToBase64String([(byte)b])} {b}\n")) + $"{Convert.ToBase64String("Th"u8)} 256\n");
        Tokenizer again = ComesBack(Tokenizer.Load(Source), "tokenizer.model");
        Assert.That(again.EncodeIds("The")[..3], Is.EqualTo(new[] { 257, 256, 'e' }));
        Assert.That(SavedConfig().Select(k => k.Key), Is.EqualTo(new[] { "tokenizer_class", "bos_token", "eos_token", "add_bos_token" }));
    }

    [Test]
    public void From_the_metadata_of_a_gguf()
    {
        Tokenizer tokenizer = Tokenizer.FromGguf(new Dictionary<string, object>
        {
            ["tokenizer.ggml.model"] = "gpt2",
            ["tokenizer.ggml.pre"] = "llama-bpe",
            ["tokenizer.ggml.tokens"] = (string[])[.. Bytes, "<s>", "</s>", "<x>"],
            ["tokenizer.ggml.token_type"] = (int[])[.. Bytes.Select(_ => 1), 3, 3, 4],
            ["tokenizer.ggml.merges"] = Array.Empty<string>(),
            ["tokenizer.ggml.bos_token_id"] = 256u,
            ["tokenizer.ggml.eos_token_id"] = 257u,
            ["tokenizer.chat_template"] = "{% for m in messages %}{{ m.content }}{% endfor %}",
        });
        Assert.That(tokenizer.Files.Keys, Is.EquivalentTo(new[] { "tokenizer.json", "tokenizer_config.json", "chat_template.jinja" }));
        Tokenizer again = ComesBack(tokenizer);
        Assert.That(again.Config.ChatTemplate, Does.StartWith("{% for m"));
    }

    [Test]
    public void One_that_was_trained()
    {
        Tokenizer again = ComesBack(UnigramTrainer.Train(["the hat, these hats", "the hat"], new UnigramTrainerOptions { VocabSize = 30 }));
        Assert.That((again.BosId, again.EosId, again.UnknownId), Is.EqualTo((1, 2, 0)));
    }

    [Test]
    public void One_with_more_tokens()
    {
        Tokenizer tokenizer = Tokenizer.Load(Shared.Golden("tokenizers", "gpt2"));
        Tokenizer again = ComesBack(tokenizer.WithTokens([new AddedToken { Id = 0, Content = "<x>" }]));
        Assert.That(again.EncodeIds("<x>"), Is.EqualTo(new[] { tokenizer.VocabSize }));
    }

    [Test]
    public void A_folder_says_whether_it_has_a_vocabulary()
    {
        Write("tokenizer_config.json", "{}");
        Assert.That((Tokenizer.IsIn(Source), Tokenizer.IsIn(Path.Combine(root, "absent"))), Is.EqualTo((false, false)));
        Write("vocab.json", "{}");
        Assert.That(Tokenizer.IsIn(Source), Is.False, "merges.txt is missing");
        Write("merges.txt", "");
        Assert.That(Tokenizer.IsIn(Source), Is.True);
        foreach (string name in new[] { "tokenizer.json", "vocab.txt", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "cl100k_base.tiktoken" })
        {
            Directory.Delete(Source, recursive: true);
            Write(name, "");
            Assert.That(Tokenizer.IsIn(Source), Is.True, name);
            Assert.That(Tokenizer.FilesIn(Source), Is.EqualTo(new[] { name }));
        }
    }
}
