using System.Text;

namespace KernelTune.Text.Tests.Tokenizers;

/// <summary>Ranks as tiktoken publishes them: gaps, special tokens, what is wrong in a file.</summary>
public class TiktokenTests
{
    private static string Line(string token, int rank) => $"{Convert.ToBase64String(Encoding.UTF8.GetBytes(token))} {rank}\n";

    private static string AllBytes => string.Concat(Enumerable.Range(0, 256).Select(b => $"{Convert.ToBase64String([(byte)b])} {b}\n"));

    private static Tokenizer Read(string ranks, Dictionary<string, int>? special = null, TokenizerConfig? config = null) => Tokenizer.FromTiktoken(Encoding.UTF8.GetBytes(ranks), TiktokenPatterns.Cl100kBase, special, "x.tiktoken", config);

    private static Tokenizer Load(string name, string ranks, string? config = null)
    {
        string folder = Directory.CreateDirectory(Path.Combine(TestContext.CurrentContext.WorkDirectory, "ranks-" + Guid.NewGuid().ToString("N"))).FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, name), ranks);
            if (config is not null) File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), config);
            return Tokenizer.Load(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>p50k_base has its special token where the ranks leave a gap, and more ranks behind it.</summary>
    [Test]
    public void Ranks_may_have_gaps()
    {
        string ranks = AllBytes + Line("ab", 258) + Line("abc", 260) + Line("bc", 257);
        Tokenizer tokenizer = Read(ranks, new() { ["<|endoftext|>"] = 256 });
        Assert.That((tokenizer.VocabSize, tokenizer.TokenToId("<|endoftext|>"), tokenizer.IdToToken(258), tokenizer.IdToToken(259)), Is.EqualTo((261, 256, "ab", "<|unused_259|>")));
        Assert.That(tokenizer.EncodeIds("xabc"), Is.EqualTo(new[] { 'x', 260 }), "bc, whose rank is lower than that of ab, then a and bc");
        Assert.That(tokenizer.EncodeIds("xaab"), Is.EqualTo(new[] { 'x', 'a', 258 }));
        Assert.That(tokenizer.EncodeIds("abc"), Is.EqualTo(new[] { 260 }), "a piece that is a token is taken whole");
        Assert.That(tokenizer.EncodeIds("ab<|endoftext|>"), Is.EqualTo(new[] { 258, 256 }));
        Assert.That(tokenizer.Decode([258, 259, 256, 260]), Is.EqualTo("ababc"), "what stands in a gap is special");
    }

    [Test]
    public void What_is_wrong_is_named_by_its_line()
    {
        void Refused(string ranks, string message, Dictionary<string, int>? special = null, TokenizerConfig? config = null) =>
            Assert.That(() => Read(ranks, special, config), Throws.TypeOf<TokenizerException>().With.Message.EqualTo("x.tiktoken: " + message));
        foreach (string broken in new[] { "Yg 1", "Y!== 1", "Yg==1", "Yg== ", "Yg== -1", "Yg== 1.5", "Yg==  1", " 1", "Yg== 99999999999", "== 1" })
            Refused($"YQ== 0\n\n{broken}\n", $"line 3: found \"{broken}\", a token in base64, a space and its rank are wanted");
        Refused("YQ== 0\nYg== 1\nYQ== 2", "line 3: the token \"YQ==\" stands in line 1 already");
        Refused("YQ== 1\nYg== 0\nYw== 1", "line 3: the rank 1 stands in line 1 already");
        Refused("YQ== 0\nYg== 2000000000", "line 2: there are 2 tokens, but ids up to 2000000000: most would have no token");
        Refused("YQ== 0", "there are 2 tokens, but ids up to 2147483646: most would have no token", new() { ["<|x|>"] = int.MaxValue - 1 });
        Refused("", "there are no ranks");
        Refused(AllBytes, "the special token \"<|x|>\" has the id 97, which is a rank of the file", new() { ["<|x|>"] = 97 });
        Refused(AllBytes, "the special tokens \"<|x|>\" and \"<|y|>\" have the same id 256", new() { ["<|x|>"] = 256, ["<|y|>"] = 256 });
        Refused(AllBytes, "a token is to be put at each text's beginning, but \"<s>\" is not among the special tokens", config: new() { BosToken = "<s>", AddBosToken = true });
    }

    [TestCase(null, null, ExpectedResult = new[] { 97 })]
    [TestCase(true, null, ExpectedResult = new[] { 256, 97 })]
    [TestCase(true, true, ExpectedResult = new[] { 256, 97, 257 })]
    [TestCase(false, true, ExpectedResult = new[] { 97, 257 })]
    public int[] Tokens_around_a_text_are_put_where_they_are_asked_for(bool? bos, bool? eos) =>
        Read(AllBytes, new() { ["<s>"] = 256, ["</s>"] = 257 }, new() { BosToken = "<s>", EosToken = "</s>", AddBosToken = bos, AddEosToken = eos }).EncodeIds("a");

    /// <summary>Llama 3's file holds ranks only; its 256 special tokens follow them, and a text begins with the first.</summary>
    [Test]
    public void The_ranks_of_llama3_bring_its_special_tokens()
    {
        Tokenizer tokenizer = Load("tokenizer.model", AllBytes);
        Assert.That((tokenizer.VocabSize, tokenizer.BosId, tokenizer.EosId), Is.EqualTo((512, 256, 257)));
        string[] wanted =
        [
            "<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>", "<|reserved_special_token_2|>", "<|reserved_special_token_3|>", "<|start_header_id|>",
            "<|end_header_id|>", "<|reserved_special_token_4|>", "<|eot_id|>", "<|reserved_special_token_5|>",
        ];
        Assert.That(tokenizer.AddedTokens.Take(11).Select(t => t.Content), Is.EqualTo(wanted));
        Assert.That(tokenizer.IdToToken(511), Is.EqualTo("<|reserved_special_token_250|>"));
        Assert.That(tokenizer.EncodeIds("<|start_header_id|>a<|eot_id|>"), Is.EqualTo(new[] { 256, 262, 97, 265 }));

        // Llama 3.1 renamed some: the folder's own list counts.
        Tokenizer renamed = Load("tokenizer.model", AllBytes, """{"add_bos_token":false,"added_tokens_decoder":{"260":{"content":"<|finetune_right_pad_id|>","special":true},"264":{"content":"<|eom_id|>","special":true}}}""");
        Assert.That((renamed.IdToToken(260), renamed.IdToToken(264), renamed.IdToToken(265), renamed.VocabSize), Is.EqualTo(("<|finetune_right_pad_id|>", "<|eom_id|>", "<|eot_id|>", 512)));
        Assert.That(renamed.EncodeIds("a"), Is.EqualTo(new[] { 97 }));
    }

    [TestCase("r50k_base", 50256, 50257)]
    [TestCase("gpt2", 50256, 50257)]
    [TestCase("p50k_base", 50256, 50281)]
    [TestCase("p50k_edit", 50256, 50284)]
    [TestCase("cl100k_base", 100257, 100277)]
    [TestCase("o200k_base", 199999, 200019)]
    [TestCase("o200k_harmony", 199999, 201088)]
    [TestCase("qwen", 151643, 151851)]
    public void Published_encodings_have_their_special_tokens(string name, int end, int size)
    {
        // As many tokens as the published file has: the bytes, then numbers.
        int ranks = name switch { "p50k_base" or "p50k_edit" => 50281, "o200k_harmony" => 199998, _ => end };
        var lines = new StringBuilder(AllBytes);
        for (int id = 256; id < ranks; id++)
            if (id != end) lines.Append(Line(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"#{id}"), id));
        Tokenizer tokenizer = Load(name + ".tiktoken", lines.ToString());
        Assert.That((tokenizer.VocabSize, tokenizer.EosId, tokenizer.Config.EosToken), Is.EqualTo((size, end, "<|endoftext|>")));
        Assert.That(tokenizer.EncodeIds("a<|endoftext|>"), Is.EqualTo(new[] { 97, end }), "no token is put before a text");
        if (name == "o200k_harmony") Assert.That(tokenizer.EncodeIds("<|start|><|channel|><|message|><|end|><|return|><|call|><|endofprompt|>"), Is.EqualTo(new[] { 200006, 200005, 200008, 200007, 200002, 200012, 200018 }));
        if (name == "cl100k_base") Assert.That(tokenizer.IdToToken(100261), Is.EqualTo("<|unused_100261|>"));
    }

    [Test]
    public void Ranks_of_no_known_name_are_refused() =>
        Assert.That(() => Load("martian.tiktoken", AllBytes), Throws.TypeOf<TokenizerNotSupportedException>().With.Message.Contain("these ranks do not say how texts are split"));
}
