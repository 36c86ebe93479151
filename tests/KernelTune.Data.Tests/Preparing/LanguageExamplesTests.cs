using KernelTune.Text.Chat;

namespace KernelTune.Data.Tests.Preparing;

public class LanguageExamplesTests
{
    private static (string, string) Texts(Example example) => LanguageExamples.Of(example, hasTemplate: false, "f") is PromptCompletionExample pair ? (pair.Prompt, pair.Completion) : ("", "");

    private static string[] Turns(Example example)
    {
        var chat = (ChatExample)LanguageExamples.Of(example, hasTemplate: true, "f");
        return [.. chat.Messages.Select(Turn), "|", .. chat.Completion!.Select(Turn)];
    }

    private static string Turn(ChatMessage message) => $"{message.Role}: {message.Fields[1].Value}";

    [Test]
    public void AnInstructionIsAConversationOrStandsInAlpacasPrompt()
    {
        var asked = new InstructionExample(1, "Add.", "1 2", "3", "Be brief.", [("Hi", "Hello")]);
        Assert.That(Turns(asked), Is.EqualTo(new[] { "system: Be brief.", "user: Hi", "assistant: Hello", "user: Add.\n\n1 2", "|", "assistant: 3" }));
        (string prompt, string completion) = Texts(asked with { System = null, History = null });
        Assert.That(prompt, Does.StartWith("Below is an instruction that describes a task, paired with an input").And.EndWith("\n\n### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### Response:\n"));
        Assert.That(completion, Is.EqualTo("3"));
        Assert.That(Texts(new InstructionExample(1, "Say hi.", "", "hi")).Item1, Does.EndWith("request.\n\n### Instruction:\nSay hi.\n\n### Response:\n").And.Not.Contain("Input"));
    }

    [Test]
    public void QuestionsClassesAndPairsAreAskedPlainly()
    {
        Assert.That(Texts(new InstructionExample(1, "one", "", "eins", IsPlain: true)), Is.EqualTo(("one\n", "eins")));
        Assert.That(Texts(new ClassificationExample(1, "good", "film", "pos")), Is.EqualTo(("good\nfilm\n", "pos")));
        Assert.That(Texts(new QuestionExample(1, "1", "q?", "ab cd", [("cd", 3)])), Is.EqualTo(("ab cd\n\nQuestion: q?\nAnswer:", " cd")));
        Assert.That(Texts(new QuestionExample(1, "1", "q?", "ab cd", [])).Item2, Is.EqualTo(" unanswerable"));
        Assert.That(Turns(new QuestionExample(1, "1", "q?", "ab cd", [("cd", 3)])), Is.EqualTo(new[] { "user: ab cd\n\nq?", "|", "assistant: cd" }));
        Assert.That(Texts(new PreferenceExample(1, new Passage("p"), new Passage("good"), new Passage("bad"))), Is.EqualTo(("p", "good")));
    }

    [Test]
    public void LabelledWordsAreRefused() => Assert.That(
        () => LanguageExamples.Of(new TokenLabelsExample(3, ["a"], ["O"]), false, "f.jsonl"),
        Throws.TypeOf<DataException>().With.Message.EqualTo("f.jsonl: line 3: labelled words were found; texts, conversations or questions and answers wanted for a language model"));

    [Test]
    public void ADocumentGoesOnInFurtherRowsAndATextIsCut()
    {
        var options = new SftOptions { MaxLength = 4 };
        TokenRow[] Rows(bool document, PreparationAccount account) => [.. new SftPreparation(new CharacterEncoder(), null, options, "f").Prepare([new TextExample(1, "abcdefg", document)], account)];
        var whole = new PreparationAccount();
        Assert.That(Rows(true, whole).Select(r => string.Join(' ', r.Ids)), Is.EqualTo(new[] { "0 97 98 99", "100 101 102 103", "1" }));
        Assert.That((whole.Examples, whole.Rows, whole.Truncated), Is.EqualTo((1, 3, 0)));
        var cut = new PreparationAccount();
        Assert.That(Rows(false, cut), Has.Length.EqualTo(1));
        Assert.That((cut.Truncated, cut.TokensCut), Is.EqualTo((1, 5)));
    }
}
