using KernelTune.Text.Chat;

namespace KernelTune.Data.Tests.Preparing;

public class SftPreparationTests
{
    private const int X = TokenRow.Ignored;

    private static readonly ChatTemplate Template = ChatTemplate.Compile(
        "{% for m in messages %}{{ m.role[0] }}:{{ m.content }}<eos>{% endfor %}{% if add_generation_prompt %}a:{% endif %}", new Dictionary<string, string>());

    private static (List<TokenRow> Rows, PreparationAccount Account) Prepare(SftOptions options, params Example[] examples)
    {
        var account = new PreparationAccount();
        return (new SftPreparation(new CharacterEncoder(), Template, options, "d.jsonl").Prepare(examples, account).ToList(), account);
    }

    private static int[] Ids(string text) => text.Select(c => c == '$' ? CharacterEncoder.End : c == '^' ? 0 : (int)c).ToArray();

    [Test]
    public void TextIsClosedWithTheEndTokenOnce()
    {
        (List<TokenRow> rows, _) = Prepare(new SftOptions(), new TextExample(1, "ab"), new TextExample(2, "cd<eos>"));
        Assert.That(rows[0].Ids, Is.EqualTo(Ids("^ab$")));
        Assert.That(rows[0].Labels, Is.EqualTo(Ids("^ab$")));
        Assert.That(rows[1].Ids, Is.EqualTo(Ids("^cd$")));
    }

    [Test]
    public void LossOnTheCompletionBeginsWhereTheIdsLeaveThePrompt()
    {
        (List<TokenRow> rows, _) = Prepare(new SftOptions { CompletionOnlyLoss = true }, new PromptCompletionExample(1, "ab", "c"));
        Assert.That(rows[0].Labels, Is.EqualTo(new[] { X, X, X, 'c', CharacterEncoder.End }));
    }

    [Test]
    public void ASourceApartIsATextOfItsOwnAndBothAreCutBeforeTheirEnd()
    {
        var options = new SftOptions { SourceApart = true, MaxLength = 4 };
        (List<TokenRow> rows, PreparationAccount account) = Prepare(options, new PromptCompletionExample(1, "ab", "c"), new PromptCompletionExample(2, "abcdef", "uvwxyz"));
        Assert.That((rows[0].Source, rows[0].Ids, rows[0].Labels), Is.EqualTo((Ids("^ab"), Ids("^c$"), Ids("^c$"))));
        Assert.That((rows[1].Source, rows[1].Ids, rows[1].Labels), Is.EqualTo((Ids("^abf"), Ids("^uv$"), Ids("^uv$"))));
        Assert.That((account.Truncated, account.TokensCut), Is.EqualTo((1, 7)));
        Assert.That(() => Prepare(options with { Strict = true }, new PromptCompletionExample(7, "abcdef", "u")),
            Throws.TypeOf<DataException>().With.Message.Contain("7 tokens for 3 were found, at most 4 (max_length) of each wanted"));
        Assert.That(() => Prepare(options, new TextExample(3, "ab")), Throws.TypeOf<DataException>().With.Message.Contain("line 3: a text or a conversation was found; prompt and completion wanted"));
    }

    [Test]
    public void LossOnTheAssistantFollowsTheSpans()
    {
        var chat = new ChatExample(1, [new("user", "q"), new("assistant", "r"), new("user", "s"), new("assistant", "t")], null, null, null);
        (List<TokenRow> rows, _) = Prepare(new SftOptions { AssistantOnlyLoss = true }, chat);
        Assert.That(rows[0].Ids, Is.EqualTo(Ids("u:q$a:r$u:s$a:t$")));
        Assert.That(rows[0].Labels, Is.EqualTo(new[] { X, X, X, X, X, X, 'r', 1, X, X, X, X, X, X, 't', 1 }));
    }

    [Test]
    public void Fault34_SpecialTokensInMessagesAreOrdinaryUnlessAskedFor()
    {
        var chat = new ChatExample(1, [new("user", "q<eos>"), new("assistant", "r")], null, null, null);
        Assert.That(Prepare(new SftOptions(), chat).Rows[0].Ids, Is.EqualTo(Ids("u:q<eos>$a:r$")));
        Assert.That(Prepare(new SftOptions { SpecialInContent = true }, chat).Rows[0].Ids, Is.EqualTo(Ids("u:q$$a:r$")));
        var pair = new PromptCompletionExample(1, "a<eos>", "b<eos>c");
        Assert.That(Prepare(new SftOptions(), pair).Rows[0].Ids, Is.EqualTo(Ids("^a<eos>b<eos>c$")));
        Assert.That(Prepare(new SftOptions { SpecialInContent = true }, pair).Rows[0].Ids, Is.EqualTo(Ids("^a$b$c$")));
    }

    [Test]
    public void Fault43_RowsWithoutALabelAreCountedAndDropped()
    {
        var options = new SftOptions { CompletionOnlyLoss = true, MaxLength = 4 };
        (List<TokenRow> rows, PreparationAccount account) = Prepare(options, new PromptCompletionExample(1, "long prompt", "x"), new PromptCompletionExample(2, "a", "b"));
        Assert.That(rows.Select(r => r.Line), Is.EqualTo(new long[] { 2 }));
        Assert.That((account.Examples, account.Unlabelled, account.Dropped, account.Rows, account.LabelTokens), Is.EqualTo((2L, 1L, 1L, 1L, 2L)));
    }

    [Test]
    public void Fault44_ASequenceThatIsTooLongIsCutAndCountedOrRefused()
    {
        (List<TokenRow> rows, PreparationAccount account) = Prepare(new SftOptions { MaxLength = 3 }, new TextExample(7, "abcdef"));
        Assert.That(rows[0].Ids, Is.EqualTo(Ids("^ab")));
        Assert.That((account.Truncated, account.TokensCut, account.LongestRow), Is.EqualTo((1L, 5L, 3)));
        Assert.That(Prepare(new SftOptions { MaxLength = 3, Truncation = TruncationSide.KeepEnd }, new TextExample(7, "abcdef")).Rows[0].Ids, Is.EqualTo(Ids("ef$")));
        Assert.That(() => Prepare(new SftOptions { MaxLength = 3, Strict = true }, new TextExample(7, "abcdef")),
            Throws.TypeOf<DataException>().With.Message.EqualTo("d.jsonl: line 7: a sequence of 8 tokens was found, at most 3 (max_length) wanted"));
    }

    [Test]
    public void ATemplatesRefusalNamesTheLine()
    {
        ChatTemplate refusing = ChatTemplate.Compile("{{ raise_exception('no ' ~ messages[0].role) }}", new Dictionary<string, string>());
        var chat = new ChatExample(9, [new("user", "q")], null, null, null);
        Assert.That(() => new SftPreparation(new CharacterEncoder(), refusing, new SftOptions(), "d.jsonl").Sequence(chat),
            Throws.TypeOf<DataException>().With.Message.EqualTo("d.jsonl: line 9: chat template, line 1: no user"));
        Assert.That(() => new SftPreparation(new CharacterEncoder(), null, new SftOptions(), "d.jsonl").Sequence(chat),
            Throws.TypeOf<DataException>().With.Message.EqualTo("d.jsonl: line 9: a conversation was found, and the model has no chat template"));
    }

    [Test]
    public void PackingTakesAThousandExamplesAtATime()
    {
        TokenRow[] rows = Enumerable.Range(0, 1500).Select(i => new TokenRow(i, [i], [i])).ToArray();
        TokenRow[] packed = RowPacking.Pack(rows, 700, Packing.BestFit).ToArray();
        Assert.That(packed.Select(p => p.Ids.Length), Is.EqualTo(new[] { 700, 300, 500 }));
        Assert.That(packed[2].Ids[0], Is.EqualTo(1000));
    }
}
