using FsCheck;
using FsCheck.Fluent;

namespace KernelTune.Text.Tests.Tokenizers;

/// <summary>What holds for any text and any tokens, whatever the tokenizer.</summary>
public class PropertyTests
{
    private static readonly string[] All = ["albert", "bert_cased", "bert_uncased", "clip", "gemma", "gpt1", "gpt2", "gpt2_prefix", "llama2", "llama3", "mistral", "neox", "qwen2", "roberta", "smollm", "t5",
        "t5_old", "whisper", "wordlevel", "xlm_roberta", "xlnet"];

    private static readonly string[] Fragments = ["the", " river", "Straße", "  ", "\n", "\t", " ", "'s", "12", "3.14", "...", "…", "今天", "東京の", "안녕", "한", "สวัสดี", "हिन्दी", "قطار", "é", "e\u0301", "ﬁ", "İ", "½", "👍🏽",
        "👨‍👩‍👧‍👦", "🇫🇷", "𝒳", "\u200b", "\u0000", "\u0007", "\u00a0", "\u3000", "\u2028", "▁", "##", "</w>", "<s>", "[CLS]", "<|endoftext|>", "<|im_end|>", "<mask>", "<extra>", "<0x41>", "\ufffd", "\ufeff", "``", "''"];

    private static Gen<string> Texts { get; } = Gen.OneOf(
        Gen.Elements(Fragments),
        Gen.Choose(0x20, 0x7e).Select(c => ((char)c).ToString()),
        Gen.Choose(1, 0x10FFFF).Where(c => c is < 0xD800 or > 0xDFFF).Select(char.ConvertFromUtf32),
        Gen.Choose(1, 0x2FFF).Select(char.ConvertFromUtf32)).ListOf().Select(string.Concat);

    private static void Holds<T>(Gen<T> values, int count, Func<T, bool> property) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(count).WithQuietOnSuccess(true).WithReplay(7, 7), Prop.ForAll(values.ToArbitrary(), property));

    [TestCase("gpt2")]
    [TestCase("real_gpt2")]
    [TestCase("llama3")]
    public void Byte_level_loses_nothing(string name)
    {
        Tokenizer tokenizer = Tokenizer.Load(Shared.Golden("tokenizers", name));
        // Tokens that take white space with them, and texts that the vocabulary lacks bytes for, are another matter: only full vocabularies are here.
        string[] strips = [.. tokenizer.AddedTokens.Where(t => t.LeftStrip || t.RightStrip || t.Normalized).Select(t => t.Content)];
        Holds(Texts.Where(t => !strips.Any(t.Contains)), 300, text => tokenizer.Decode(tokenizer.EncodeIds(text, addSpecialTokens: false), skipSpecialTokens: false) == text);
    }

    [TestCase("gpt2")]
    [TestCase("llama2")]
    [TestCase("gemma")]
    public void Spans_tile_the_text(string name)
    {
        Tokenizer tokenizer = Tokenizer.Load(Shared.Golden("tokenizers", name));
        Holds(Texts, 300, text =>
        {
            int done = 0;
            foreach (var (start, end) in tokenizer.Encode(text, addSpecialTokens: false).Offsets)
            {
                // Tokens of one character's bytes all have the span of the whole character.
                if (start > done || end < done || start < done - 1) return false;
                done = end;
            }
            return done == text.EnumerateRunes().Count();
        });
    }

    [TestCaseSource(nameof(All))]
    public void Spans_ascend_within_the_text_and_the_quick_ways_agree(string name)
    {
        Tokenizer tokenizer = Tokenizer.Load(Shared.Golden("tokenizers", name));
        Holds(Texts, 80, text =>
        {
            TokenEncoding encoding = tokenizer.Encode(text, addSpecialTokens: false);
            int points = text.EnumerateRunes().Count(), before = 0;
            // The library trims the space that was put in after an added token as if it stood in the text.
            bool trimsTooMuch = name == "gpt2_prefix";
            foreach (var (start, end) in encoding.Offsets)
            {
                if (start < before && !trimsTooMuch || end < start || end > points) return false;
                before = start;
            }
            return tokenizer.EncodeIds(text, addSpecialTokens: false).AsSpan().SequenceEqual(encoding.Ids) && tokenizer.CountTokens(text, addSpecialTokens: false) == encoding.Length
                && ((Microsoft.ML.Tokenizers.Tokenizer)tokenizer).EncodeToTokens(text, out _).Count == tokenizer.CountTokens(text);
        });
    }

    [TestCaseSource(nameof(All))]
    public void A_stream_of_any_tokens_is_the_text_of_all_of_them(string name)
    {
        Tokenizer tokenizer = Tokenizer.Load(Shared.Golden("tokenizers", name));
        // Half of the tokens are drawn from the first ones: there the bytes are.
        var ids = Gen.OneOf(Gen.Choose(0, tokenizer.VocabSize - 1), Gen.Choose(0, Math.Min(300, tokenizer.VocabSize) - 1)).ListOf();
        foreach (bool skip in new[] { true, false })
        {
            Holds(ids, 80, tokens =>
            {
                StreamingDecoder stream = tokenizer.Stream(skip);
                string[] parts = [.. tokens.Select(stream.Push), stream.Finish()];
                return string.Concat(parts) == tokenizer.Decode([.. tokens], skip) && !parts.Any(p => p.Length > 0 && (char.IsHighSurrogate(p[^1]) || char.IsLowSurrogate(p[0])));
            });
        }
    }

    [TestCase("bert_uncased")]
    [TestCase("roberta")]
    [TestCase("t5")]
    public void Windows_share_their_stride_and_leave_nothing_out(string name)
    {
        Tokenizer tokenizer = Tokenizer.Load(Shared.Golden("tokenizers", name));
        var cases = from text in Texts from length in Gen.Choose(4, 12) from stride in Gen.Choose(0, 1) from left in Gen.Elements(true, false) select (text, length, stride, left);
        Holds(cases, 200, c =>
        {
            int[] all = tokenizer.Encode(c.text, addSpecialTokens: false).Ids;
            var encoding = tokenizer.Encode(c.text, options: new EncodeOptions { Truncation = new Truncation(c.length, c.stride, Direction: c.left ? TextSide.Left : TextSide.Right) });
            List<int[]> windows = [.. new[] { encoding }.Concat(encoding.Overflowing).Select(w => w.Ids.Where((_, i) => w.SequenceIds[i] == 0).ToArray())];
            if (c.left) windows.Reverse();
            if (windows.Any(w => w.Length > c.length) || encoding.Length > c.length) return false;
            return windows.SelectMany((w, i) => i == 0 ? w : w.Skip(c.stride)).SequenceEqual(all) || c.left && windows.SelectMany((w, i) => i == windows.Count - 1 ? w : w.SkipLast(c.stride)).SequenceEqual(all);
        });
    }
}
