using KernelTune.Text.Chat;

namespace KernelTune.Data.Tests.Preferences;

public class PreferenceTests
{
    private static PreferenceExample Texts(string chosen, string rejected) => new(1, null, new Passage(chosen), new Passage(rejected));

    // A space before the place where they part goes to the answers; of two equal answers the last character is left; characters are code points.
    [TestCase("The sky is blue.", "The sky is green.", "The sky is", " blue.", " green.")]
    [TestCase("abc", "abd", "ab", "c", "d")]
    [TestCase("same", "same", "sam", "e", "e")]
    [TestCase("ab", "abcd", "a", "b", "bcd")]
    [TestCase("😀x", "😁x", "", "😀x", "😁x")]
    [TestCase("x", "y", "", "x", "y")]
    [TestCase("", "y", "", "", "y")]
    public void TextsPartWithTheirPrompt(string chosen, string rejected, string prompt, string better, string worse)
    {
        PreferenceExample pair = PreferenceConversions.WithPrompt(Texts(chosen, rejected));
        Assert.That((pair.Prompt!.Text, pair.Chosen.Text, pair.Rejected.Text), Is.EqualTo((prompt, better, worse)));
    }

    [Test]
    public void APromptOfTextBesideAnswersInMessagesIsTakenOutOfThem()
    {
        ChatMessage ask = new("user", "2+2?"), four = new("assistant", "4"), five = new("assistant", "5");
        var pair = new PreferenceExample(1, new Passage("2+2?"), new Passage([ask, four]), new Passage([new ChatMessage("user", "2+2?"), five]));
        PreferenceExample whole = PreferenceConversions.WithPrompt(pair);
        Assert.That(whole.Prompt!.Messages, Is.EqualTo(new[] { ask }));
        Assert.That(whole.Chosen.Messages, Is.EqualTo(new[] { four }));
        Assert.That(whole.Rejected.Messages, Is.EqualTo(new[] { five }));
    }

    [Test]
    public void OfAThousandPairsTheBetterAnswersComeFirst()
    {
        JudgedExample[] single = [.. PreferenceConversions.Unpaired(Enumerable.Range(1, 1001).Select(i => new PreferenceExample(i, null, new Passage($"{i}"), new Passage($"-{i}"))))];
        Assert.That(single, Has.Length.EqualTo(2002));
        Assert.That(single.Select(s => s.Label), Is.EqualTo(Enumerable.Repeat(true, 1000).Concat(Enumerable.Repeat(false, 1000)).Append(true).Append(false)));
        Assert.That(single[^1].Completion.Text, Is.EqualTo("-1001"));
    }

    [Test]
    public void APromptThatFillsMaxLengthLeavesNothingToLearnAndIsDropped()
    {
        PreferenceExample Pair(string prompt) => new(1, new Passage(prompt), new Passage("yes"), new Passage("no, not at all"));
        var account = new PreparationAccount();
        var preparation = new PreferencePreparation(new CharacterEncoder(), null, new SftOptions { MaxLength = 8 }, "f");
        PreferenceRow[] rows = [.. preparation.Prepare([Pair("012345"), Pair("0123456")], account)];
        Assert.That(rows.Select(r => r.Prompt.Length), Is.EqualTo(new[] { 7 }));
        Assert.That((account.Examples, account.Truncated, account.Dropped, account.Rows), Is.EqualTo((2, 2, 1, 1)));
        PreferenceBatch batch = new PreferenceCollator { PadTokenId = 0, MaxLength = 8 }.Collate(rows);
        Assert.That((batch.Pairs, batch.Columns), Is.EqualTo((1, 8)));
        Assert.That(batch.CompletionMask, Is.EqualTo(new[] { 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1 }));
    }

    [Test]
    public void OneAnswerInTextAndOneInMessagesIsRefused()
    {
        var preparation = new PreferencePreparation(new CharacterEncoder(), null, new SftOptions(), "f.jsonl");
        var pair = new PreferenceExample(4, null, new Passage("a"), new Passage([new ChatMessage("assistant", "b")]));
        Assert.That(() => preparation.Row(pair), Throws.TypeOf<DataException>().With.Message.EqualTo("f.jsonl: line 4: texts and messages were found in one pair, the prompt and both answers of one kind wanted"));
    }
}
