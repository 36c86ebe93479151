using System.Text;
using KernelTune.Text.Jinja;

namespace KernelTune.Text.Tests.Tokenizers;

/// <summary>Broken files: whatever is done to a file, it is read or refused by one exception of its own kind, and what is read encodes.</summary>
public class FuzzTests
{
    private static readonly string[] Models =
    [
        TinyTokenizer.Json,
        """{"normalizer":{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"x"}]},"pre_tokenizer":{"type":"Metaspace","replacement":"_","prepend_scheme":"first","split":true},"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1.5],["_a",-2],["b",-3]],"byte_fallback":false},"decoder":{"type":"Strip","content":" ","start":1,"stop":0}}""",
        """{"normalizer":{"type":"BertNormalizer","lowercase":true},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\s+|[^\\p{L}]{1,2}(?=a)"},"behavior":"MergedWithNext","invert":false},"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[C]","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],"special_tokens":{"[C]":{"id":"[C]","ids":[1],"tokens":["[C]"]}}},"truncation":{"max_length":8,"strategy":"LongestFirst","stride":2},"padding":{"strategy":{"Fixed":9},"pad_id":0,"pad_token":"?"},"model":{"type":"WordPiece","unk_token":"?","vocab":{"?":0,"[C]":1,"a":2,"##b":3}},"decoder":{"type":"WordPiece","prefix":"##"}}""",
    ];

    private static readonly string[] Pieces = ["0", "-1", "1e999", "null", "true", "[]", "{}", "\"\"", "\"a\"", ",", ":", "{", "}", "[", "]", "\\", "\\ud800", "\\u0000", "(", ")", "+", "*", "?", "{2,1}", "99999999999", "é", "\"type\"", "Sequence", "0.5"];

    private static string Broken(string text, Random random)
    {
        for (int change = random.Next(1, 4); change > 0; change--)
        {
            int at = random.Next(text.Length), length = Math.Min(random.Next(0, 6), text.Length - at);
            text = text[..at] + (random.Next(3) == 0 ? "" : Pieces[random.Next(Pieces.Length)]) + text[(at + length)..];
        }
        return text;
    }

    /// <summary>Every id has a token, every place lies within the text, and all lists are equally long.</summary>
    private static void Whole(Tokenizer tokenizer, TokenEncoding encoding, string text, string file)
    {
        int count = encoding.Length;
        int[] lengths = [encoding.Tokens.Length, encoding.Offsets.Length, encoding.TypeIds.Length, encoding.AttentionMask.Length, encoding.SpecialTokensMask.Length, encoding.SequenceIds.Length];
        Assert.That(lengths, Is.All.EqualTo(count), file);
        for (int i = 0; i < count; i++)
        {
            if (encoding.SequenceIds[i] < 0) continue;      // a template may name any id
            Assert.That(tokenizer.IdToToken(encoding.Ids[i]), Is.Not.Null, file);
            Assert.That((encoding.Offsets[i].Start, encoding.Offsets[i].End), Is.EqualTo((Math.Clamp(encoding.Offsets[i].Start, 0, encoding.Offsets[i].End), Math.Clamp(encoding.Offsets[i].End, 0, text.Length))), file);
        }
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    public void A_broken_tokenizer_json_is_refused_or_encodes(int model)
    {
        var random = new Random(31 + model);
        int refused = 0;
        for (int i = 0; i < 1500; i++)
        {
            string json = Broken(Models[model], random);
            try
            {
                Tokenizer tokenizer = Tokenizer.Parse(Encoding.UTF8.GetBytes(json), "t.json");
                const string text = "a b  aB é<|im_end|>_ab";
                TokenEncoding encoding = tokenizer.Encode(text, "ba", true);
                Whole(tokenizer, encoding, text, json);
                Assert.That(tokenizer.Decode(encoding.Ids), Is.EqualTo(tokenizer.Decode([.. encoding.Ids, int.MaxValue])), json);
            }
            catch (TokenizerException e)
            {
                Assert.That(e.Message, Does.StartWith("t.json: "), json);
                refused++;
            }
            catch (Exception e) when (e is not AssertionException)
            {
                Assert.Fail($"{json}: {e}");
            }
        }
        Assert.That(refused, Is.InRange(300, 1500));
    }

    [TestCase(1)]
    [TestCase(2)]
    public void A_broken_sentencepiece_model_is_refused_or_encodes(int type)
    {
        byte[] whole = VocabularySourceTests.Model(type, 0, [], [("<unk>", 0f, 2), ("<s>", 0f, 3), ("</s>", 0f, 3), ("a", -1f, 1), ("▁", -1.5f, 1), ("▁a", -2f, 1), ("b", -3f, 1), ("ab", -4f, 4)]);
        var random = new Random(41 + type);
        int refused = 0;
        for (int i = 0; i < 1500; i++)
        {
            byte[] bytes = [.. whole];
            for (int change = random.Next(1, 4); change > 0; change--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                Tokenizer tokenizer = Tokenizer.FromSentencePiece(bytes, "m");
                const string text = "a ab é b";
                TokenEncoding encoding = tokenizer.Encode(text);
                Whole(tokenizer, encoding, text, Convert.ToHexString(bytes));
                Assert.That(tokenizer.EncodeIds(text), Is.EqualTo(encoding.Ids), Convert.ToHexString(bytes));
            }
            catch (TokenizerException e)
            {
                Assert.That(e.Message, Does.StartWith("m: "), Convert.ToHexString(bytes));
                refused++;
            }
            catch (Exception e) when (e is not AssertionException)
            {
                Assert.Fail($"{Convert.ToHexString(bytes)}: {e}");
            }
        }
        Assert.That(refused, Is.InRange(200, 1500));
    }

    [Test]
    public void A_broken_template_is_refused_or_renders()
    {
        const string template = "{%- for m in messages if m.role != 'x' -%}{{ loop.index }}{{ m['content'] | trim | upper }}{% set a = namespace(n=1) %}{% if loop.last and a.n > 0 %}{{ m | tojson(indent=2) }}{% elif not m %}{{ [1, 2.5][0] + 3 // 2 }}{% else %}{{ 'a' ~ \"b\"[:1] }}{% endif %}{%- endfor %}{% macro f(x, y=2) %}{{ x }}{% endmacro %}{{ f(1) }}";
        string[] pieces = ["{{", "}}", "{%", "%}", "-", "|", "'", "(", ")", "[", "]", ".", "endif", "for", "in", "~", "**", "==", "0", "none", "is", "not", "{#", "range(9)", "x.y.z", ":", ","];
        var random = new Random(17);
        var context = new Dictionary<string, object?> { ["messages"] = new object?[] { new Dictionary<string, object?> { ["role"] = "user", ["content"] = " hi " } } };
        int refused = 0;
        for (int i = 0; i < 3000; i++)
        {
            string text = template;
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                int at = random.Next(text.Length), length = Math.Min(random.Next(0, 4), text.Length - at);
                text = text[..at] + (random.Next(3) == 0 ? "" : pieces[random.Next(pieces.Length)]) + text[(at + length)..];
            }
            try
            {
                Template.Compile(text).Render(context, new DateTime(2024, 1, 1));
            }
            catch (TemplateException)
            {
                refused++;
            }
            catch (Exception e) when (e is not AssertionException)
            {
                Assert.Fail($"{text}: {e}");
            }
        }
        Assert.That(refused, Is.InRange(500, 3000));
    }
}
