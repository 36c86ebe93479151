namespace KernelTune.Text.Tests.Tokenizers;

public class ExtensionTests
{
    [TestCase("smollm")]
    [TestCase("bert_uncased")]
    [TestCase("t5")]
    public void New_tokens_get_the_next_ids_and_survive_saving(string name)
    {
        Tokenizer before = Tokenizer.Load(Shared.Golden("tokenizers", name));
        Tokenizer after = before.WithTokens([new AddedToken { Id = 0, Content = "<tool>", Special = true }, new AddedToken { Id = 0, Content = "</tool>" }, before.AddedTokens[0]]);
        Assert.That((after.VocabSize, after.TokenToId("<tool>"), after.TokenToId("</tool>")), Is.EqualTo((before.VocabSize + 2, before.VocabSize, before.VocabSize + 1)));
        Assert.That(after.EncodeIds("a<tool>b", addSpecialTokens: false), Does.Contain(before.VocabSize));
        Assert.That(before.EncodeIds("a<tool>b", addSpecialTokens: false), Does.Not.Contain(before.VocabSize), "the one that it came from is as it was");
        Assert.That((after.IsSpecial(before.VocabSize), after.IsSpecial(before.VocabSize + 1)), Is.EqualTo((true, false)));
        Assert.That(after.Decode(after.EncodeIds("<tool></tool>", addSpecialTokens: false)).Trim(), Is.EqualTo("</tool>"), "decoding leaves out the special one alone");
        Assert.That(after.EncodeIds("the old words"), Is.EqualTo(before.EncodeIds("the old words")));
        Tokenizer read = Tokenizer.Parse(after.ToJson().Span);
        Assert.That(read.AddedTokens, Is.EqualTo(after.AddedTokens));
        Assert.That(read.EncodeIds("x</tool> y"), Is.EqualTo(after.EncodeIds("x</tool> y")));
        Assert.That(after.WithTokens([]).ToJson().ToArray(), Is.EqualTo(after.ToJson().ToArray()));
    }

    [Test]
    public void An_empty_token_is_refused() =>
        Assert.That(() => TinyTokenizer.With(_ => { }).WithTokens([new AddedToken { Id = 0, Content = "" }]), Throws.ArgumentException.With.Message.StartsWith("a token is empty"));
}
