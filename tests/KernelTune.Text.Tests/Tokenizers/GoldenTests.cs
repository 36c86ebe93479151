using System.Text.Json.Nodes;

namespace KernelTune.Text.Tests.Tokenizers;

/// <summary>Every text of goldens/tokenizers, encoded and decoded by the tokenizers library, on each tokenizer.</summary>
public class GoldenTests
{
    private static readonly string[] Kinds = ["albert", "bert_cased", "bert_uncased", "clip", "gemma", "gpt1", "gpt2", "gpt2_prefix", "llama2", "llama3", "mistral", "neox", "qwen2", "real_clip",
        "real_gpt2", "roberta", "smollm", "t5", "t5_old", "whisper", "wordlevel", "xlm_roberta", "xlnet"];

    [TestCaseSource(nameof(Kinds))]
    public void Agrees_with_the_reference_library(string name)
    {
        string folder = Shared.Golden("tokenizers", name);
        Tokenizer tokenizer = Tokenizer.Load(folder);
        int count = 0;
        foreach (JsonObject golden in GoldenLine.Read(Path.Combine(folder, "cases.jsonl")))
        {
            count++;
            Compare(tokenizer, golden);
        }

        Assert.That(count, Is.GreaterThan(100));
    }

    [Test]
    public void Smollm2_from_its_tokenizer_json_agrees()
    {
        Tokenizer tokenizer = Tokenizer.Load(Shared.Model("smollm2-135m-instruct"));
        foreach (JsonObject golden in GoldenLine.Read(Shared.Golden("real", "smollm2_tokenizer", "cases.jsonl"))) Compare(tokenizer, golden);
        Assert.That((tokenizer.BosId, tokenizer.EosId, tokenizer.PadId, tokenizer.UnknownId, tokenizer.VocabSize), Is.EqualTo((1, 2, 2, 0, 49152)));
    }

    internal static void Compare(Tokenizer tokenizer, JsonObject golden)
    {
        bool special = (bool)golden["add_special_tokens"]!;
        EncodeOptions options = GoldenLine.Options(golden);
        if (golden["batch"] is JsonArray batch)
        {
            TokenEncoding[] encodings = tokenizer.EncodeBatch([.. batch.Select(t => (string)t!)], special, options);
            Assert.That(encodings.Zip(golden["encodings"]!.AsArray(), (e, g) => GoldenLine.Got(e, g!)), Is.EqualTo(golden["encodings"]!.AsArray().Select(g => GoldenLine.Wanted(g!))));
            return;
        }

        string text = (string)golden["text"]!;
        string? pair = golden.ContainsKey("pair") ? (string?)golden["pair"] : null;
        if ((string?)golden["error"] is { } error)
        {
            Assert.That(() => tokenizer.Encode(text, pair, special, options), Throws.TypeOf<TokenizerException>().With.Property("Problem").EqualTo(error));
            return;
        }

        TokenEncoding encoding = tokenizer.Encode(text, pair, special, options);
        Assert.That(GoldenLine.Got(encoding, golden), Is.EqualTo(GoldenLine.Wanted(golden)), text);
        JsonArray windows = golden["overflowing"] as JsonArray ?? [];
        Assert.That(encoding.Overflowing.Zip(windows, (e, g) => GoldenLine.Got(e, g!)), Is.EqualTo(windows.Select(g => GoldenLine.Wanted(g!))), text);
        Assert.That(tokenizer.Decode(encoding.Ids, skipSpecialTokens: false), Is.EqualTo((string?)golden["decoded"]), text);
        Assert.That(tokenizer.Decode(encoding.Ids, skipSpecialTokens: true), Is.EqualTo((string?)golden["decoded_skip_special"]), text);
        if (pair is not null || options.Truncation is not null || options.Padding is not null) return;
        Assert.That(tokenizer.EncodeIds(text, special), Is.EqualTo(encoding.Ids), text);
        Assert.That(tokenizer.CountTokens(text, special), Is.EqualTo(encoding.Length), text);
    }
}
