namespace KernelTune.Data.Tests.Reading;

/// <summary>What a file is and what its rows are, told from the content.</summary>
public class FileKindTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DropFolder() => _folder.Dispose();

    private (string Detected, Example[] Examples) Read(string name, string text, ReadOptions? options = null)
    {
        var account = new ReadAccount();
        Example[] examples = [.. ExampleFile.Read(_folder.Write(name, text), options ?? new ReadOptions(), account)];
        return (account.Detected(), examples);
    }

    private static readonly object[] Kinds =
    [
        new[] { "d.json", "[{\"text\": \"a\"}, {\"text\": \"b\"}]", "a JSON list; texts from text" },
        new[] { "d.json", "\uFEFF[\n  {\"text\": \"a\"},\n  {\"text\": \"b\"}\n]\n", "a JSON list; texts from text" },
        new[] { "d", "[{\"text\": \"a\"}, {\"text\": \"b\"}]", "a JSON list; texts from text" },
        new[] { "d.json", "{\"text\": \"a\"}\n{\"text\": \"b\"}\n", "JSON Lines; texts from text" },
        new[] { "d.txt", "{\"text\": \"a\"}\n{\"text\": \"b\"}\n", "JSON Lines; texts from text" },
        new[] { "d.json", "{\"text\": [\"a\", \"b\"], \"id\": [1, 2]}", "JSON, an object of columns; texts from text (not used: id)" },
        new[] { "d.json", "{\n \"version\": \"1\",\n \"data\": [{\"text\": \"a\"},\n {\"text\": \"b\"}]\n}", "JSON, the list \"data\"; texts from text" },
        new[] { "d.csv", "id,text\n1,a\n2,b\n", "CSV with ',' between fields; texts from text (not used: id)" },
        new[] { "d.csv", "id;text\r\n1;a\r\n2;b\r\n", "CSV with ';' between fields; texts from text (not used: id)" },
        new[] { "d.tsv", "id\ttext\n1\ta\n2\tb", "TSV; texts from text (not used: id)" },
        new[] { "d", "text,label\na,0\nb,1\n", "CSV with ',' between fields; texts from text (not used: label)" },
        new[] { "d.txt", "a\n\nb\n", "plain text, a row a line; texts from text" },
        new[] { "d.txt", "[INST] a\n[INST] b\n", "plain text, a row a line; texts from text" },
    ];

    [TestCaseSource(nameof(Kinds))]
    public void TheKindIsToldFromTheContent(string name, string text, string detected)
    {
        (string ours, Example[] examples) = Read(name, text);
        Assert.That(ours, Is.EqualTo(detected));
        Assert.That(examples.Cast<TextExample>().Select(e => e.Text.Replace("[INST] ", "", StringComparison.Ordinal)), Is.EqualTo(new[] { "a", "b" }));
    }

    [Test]
    public void AlpacaRowsAreInstructions()
    {
        (string detected, Example[] examples) = Read("a.json", """[{"instruction": "Add", "input": "1 2", "output": "3", "history": [["q", "a"]]}, {"instruction": "Say hi", "input": "", "output": "hi"}]""");
        Assert.That(detected, Is.EqualTo("a JSON list; instructions and answers from instruction, output, input, history"));
        Assert.That(examples[0], Is.InstanceOf<InstructionExample>().With.Property("Input").EqualTo("1 2"));
        Assert.That(((InstructionExample)examples[0]).History, Is.EqualTo(new[] { ("q", "a") }));
        Assert.That(examples[1], Is.EqualTo(new InstructionExample(2, "Say hi", "", "hi") { Unit = "entry" }));
    }

    [Test]
    public void ShareGptSpeakersAreThoseOfChatTemplates()
    {
        (string detected, Example[] examples) = Read("s.json", """[{"conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "h"}, {"from": "gpt", "value": "g"}]}]""");
        Assert.That(detected, Is.EqualTo("a JSON list; conversations from messages"));
        Assert.That(((ChatExample)examples[0]).Messages.Select(m => m.Role), Is.EqualTo(new[] { "system", "user", "assistant" }));
    }

    [Test]
    public void SquadsJsonIsRowsOfQuestions()
    {
        const string Squad = """{"version": "v2.0", "data": [{"title": "T", "paragraphs": [{"context": "ab cd", "qas": [{"id": "1", "question": "q?", "answers": [{"text": "cd", "answer_start": 3}]}, {"id": "2", "question": "r?", "answers": [], "is_impossible": true}]}]}]}""";
        foreach (string name in (string[])["train-v2.0.json", "squad"])
        {
            (string detected, Example[] examples) = Read(name, Squad);
            Assert.That(detected, Is.EqualTo("SQuAD's JSON; questions on contexts from context, question, answers, id, title"));
            Assert.That(examples.Cast<QuestionExample>().Select(q => (q.Id, q.Question, q.Context)), Is.EqualTo(new[] { ("1", "q?", "ab cd"), ("2", "r?", "ab cd") }));
            Assert.That(((QuestionExample)examples[0]).Answers, Is.EqualTo(new[] { ("cd", 3) }));
            Assert.That(((QuestionExample)examples[1]).Answers, Is.Empty);
        }

        DataException e = Assert.Throws<DataException>(() => Read("bad.json", Squad.Replace(": 3}", ": 4}", StringComparison.Ordinal)))!;
        Assert.That(e.Message, Does.EndWith("bad.json: question 1: an answer that begins at 4 was found, one within the 5 characters of the context wanted"));
    }

    [Test]
    public void ParallelTextGoesLineByLine()
    {
        string target = _folder.Write("a.de", "eins\n\nzwei\n");
        (string detected, Example[] examples) = Read("a.en", "one\n\ntwo\n", new ReadOptions { Target = target });
        Assert.That(detected, Is.EqualTo($"parallel text with {target}, a row a line; instructions and answers from source, target"));
        Assert.That(examples, Is.EqualTo(new[] { new InstructionExample(1, "one", "", "eins", IsPlain: true), new InstructionExample(3, "two", "", "zwei", IsPlain: true) }));
        Assert.That(() => Read("b.en", "one\n\ntwo\nthree\n", new ReadOptions { Target = target }), Throws.TypeOf<DataException>().With.Message.EqualTo($"{target}: line 4: 3 lines were found, as many as {Path.Combine(_folder.Path, "b.en")} has wanted"));
        Assert.That(() => Read("c.en", "one\ntwo\ntwo\n", new ReadOptions { Target = target }), Throws.TypeOf<DataException>().With.Message.EqualTo($"{target}: line 2: a blank line was found, a text wanted"));
    }

    [Test]
    public void AFolderOfTextsIsARowATextInOrdinalOrder()
    {
        Directory.CreateDirectory(Path.Combine(_folder.Path, "books", "z"));
        File.WriteAllText(Path.Combine(_folder.Path, "books", "b.txt"), "\uFEFFtwo\r\nlines\r\n");
        File.WriteAllText(Path.Combine(_folder.Path, "books", "a.md"), "one");
        File.WriteAllText(Path.Combine(_folder.Path, "books", "z", "c.txt"), "three\n");
        File.WriteAllText(Path.Combine(_folder.Path, "books", "picture.png"), "no text");
        var account = new ReadAccount();
        Example[] examples = [.. ExampleFile.Read(Path.Combine(_folder.Path, "books"), new ReadOptions(), account)];
        Assert.That(examples, Is.EqualTo(new[] { new TextExample(1, "one", true), new TextExample(2, "two\nlines", true), new TextExample(3, "three", true) }.Select(e => e with { Unit = "text" })));
        Assert.That(account.Detected(), Is.EqualTo("a folder of 3 texts, a row a text; texts from document"));
    }

    [Test]
    public void ColumnsNameWhatAFileCallsOtherwise()
    {
        var options = new ReadOptions { Columns = new Dictionary<string, string> { ["prompt"] = "frage", ["completion"] = "antwort" } };
        (string detected, Example[] examples) = Read("d.csv", "nr,frage,antwort\n1,a,b\n", options);
        Assert.That(detected, Is.EqualTo("CSV with ',' between fields; prompts and completions from frage, antwort (not used: nr)"));
        Assert.That(examples, Is.EqualTo(new[] { new PromptCompletionExample(2, "a", "b") }));
        Assert.That(() => Read("e.csv", "nr,frage\n1,a\n", options), Throws.TypeOf<DataException>().With.Message.EndsWith("e.csv: line 2: the fields nr, frage were found; antwort, which columns names for completion, wanted"));
    }

    [Test]
    public void ClassesAreReadWhereTheRecipeSaysSo()
    {
        var options = new ReadOptions { Format = ExampleFormat.Classification };
        (_, Example[] examples) = Read("d.csv", "sentence1,sentence2,label\na,b,1\nc,d,0\n", options);
        Assert.That(examples, Is.EqualTo(new[] { new ClassificationExample(2, "a", "b", "1"), new ClassificationExample(3, "c", "d", "0") }));
        Assert.That(() => Read("d.jsonl", "{\"text\": \"a\", \"label\": 1.5}", options), Throws.TypeOf<DataException>().With.Message.EndsWith("d.jsonl: line 1, column 24: label is 1.5, a class's name or number wanted"));
        (_, Example[] words) = Read("n.jsonl", "{\"tokens\": [\"Ann\", \"lives\"], \"ner_tags\": [\"B-PER\", \"O\"]}");
        Assert.That(((TokenLabelsExample)words[0]).Labels, Is.EqualTo(new[] { "B-PER", "O" }));
        Assert.That(() => Read("m.jsonl", "{\"tokens\": [\"Ann\"], \"ner_tags\": [1, 2]}"), Throws.TypeOf<DataException>().With.Message.EndsWith("m.jsonl: line 1, column 33: 2 ner_tags were found for 1 tokens, one each wanted"));
    }

    [TestCase(new byte[] { 0x1f, 0x8b, 8, 0 }, "a gzip archive was found, the file in it wanted: unpack it first")]
    [TestCase(new byte[] { (byte)'P', (byte)'K', 3, 4 }, "a ZIP archive was found, the file in it wanted: unpack it first")]
    public void ArchivesAreNamed(byte[] bytes, string problem)
    {
        string path = _folder.Write("d.jsonl", bytes);
        Assert.That(() => ExampleFile.Read(path, new ReadOptions(), new ReadAccount()).ToList(), Throws.TypeOf<DataException>().With.Message.EqualTo($"{path}: {problem}"));
    }
}
