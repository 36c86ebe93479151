using System.Text.Json.Nodes;

namespace KernelTune.Cli.Tests.Verbs;

/// <summary>Every kind of file trains; what it was found to be is shown and kept; what is wrong with one is one line and exit 3.</summary>
public sealed class DataFileTests
{
    private Workplace _work = null!;

    [SetUp]
    public void Make_workplace()
    {
        _work = new Workplace();
        _work.Write("qa.csv", ["id,question,answer", .. Enumerable.Range(0, 8).Select(i => $"{i},\"what, are {i} and {i}?\",{2 * i}")]);
        _work.Write("alpaca.json", ["[", .. Enumerable.Range(0, 8).Select(i => $"{{\"instruction\": \"add {i}\", \"input\": \"\", \"output\": \"{2 * i}\"}}{(i < 7 ? "," : "")}"), "]"]);
        _work.Write("squad.json", "{\"data\": [{\"title\": \"t\", \"paragraphs\": [{\"context\": \"ab cd\", \"qas\": [{\"id\": \"1\", \"question\": \"q?\", \"answers\": [{\"text\": \"cd\", \"answer_start\": 3}]}]}]}]}");
        _work.Write("plain.txt", "one line", "another line", "", "a third one");
        _work.Write("a.en", "one", "two", "three");
        _work.Write("a.de", "eins", "zwei", "drei");
        _work.Write("books/a.txt", string.Join(' ', Enumerable.Range(0, 200)));
    }

    [TearDown]
    public void Remove_workplace() => _work.Dispose();

    [TestCase("data.train=qa.csv", "qa.csv: CSV with ',' between fields; instructions and answers from question, answer (not used: id)", 8)]
    [TestCase("data.train=alpaca.json", "alpaca.json: a JSON list; instructions and answers from instruction, output, input", 8)]
    [TestCase("data.train=squad.json", "squad.json: SQuAD's JSON; questions on contexts from context, question, answers, id, title", 1)]
    [TestCase("data.train=plain.txt", "plain.txt: plain text, a row a line; texts from text", 3)]
    [TestCase("data.train={ path: a.en, target: a.de }", "; instructions and answers from source, target", 3)]
    [TestCase("data.train=books", "books: a folder of 1 texts, a row a text; texts from document", 11)]
    public void It_trains_and_says_what_it_found(string train, string detected, int least)
    {
        CommandLine run = _work.Train("full.yaml", train, "data.validation=none", "--log-format", "json", "--json");
        Assert.That(run.Code, Is.Zero, run.Error);
        JsonNode report = JsonNode.Parse(File.ReadAllText(_work["base/data.json"]))!["splits"]![0]!;
        Assert.That((string?)report["files"]![0]!["detected"], Does.EndWith(detected[(detected.IndexOf(": ", StringComparison.Ordinal) + 1)..].TrimStart(' ', ';')));
        Assert.That((int)report["rows"]!, Is.AtLeast(least));
    }

    [Test]
    public void The_panel_shows_it_before_step_1()
    {
        JsonNode plan = _work.Train("full.yaml", "data.train=qa.csv", "data.test=qa.csv", "data.validation=none", "--dry-run", "--json").Json;
        string[] account = [.. plan["data_account"]!.AsArray().Select(a => (string)a!)];
        Assert.That(account[0], Is.EqualTo("qa.csv: CSV with ',' between fields; instructions and answers from question, answer (not used: id)"));
        Assert.That(account[1], Does.Match(@"^train: 8 rows of \d+ to \d+ tokens, half of them up to \d+$"));
        Assert.That(account[3], Does.EndWith("; 8 also in train"));
        Assert.That(_work.Train("full.yaml", "data.train=qa.csv", "data.validation=none", "--dry-run").Out, Does.Contain("CSV with ',' between fields"));
    }

    [TestCase("text,label\n\"never closed\n", "line 2: a quote was opened and never closed")]
    [TestCase("a,b\n1,2\n", "line 2: the fields a, b were found; messages, prompt and completion, instruction and output, chosen and rejected, or text wanted (data.columns can name them)")]
    public void What_is_wrong_is_one_line_and_exit_3(string text, string message)
    {
        File.WriteAllText(_work["bad.csv"], text);
        CommandLine run = _work.Train("full.yaml", "data.train=bad.csv", "data.validation=none");
        Assert.That((run.Code, run.Error.TrimEnd('\n')), Is.EqualTo((3, $"error: {_work["bad.csv"]}: {message}")));
        Assert.That(Directory.Exists(_work["base"]), Is.False);
    }

    [Test]
    public void Columns_and_formats_are_taken_from_the_recipe()
    {
        _work.Write("c.csv", "body,n", "some text,1", "other text,2");
        CommandLine run = _work.Train("full.yaml", "data.train=c.csv", "data.columns.text=body", "data.validation=none", "--dry-run", "--json");
        Assert.That(run.Code, Is.Zero, run.Error);
        Assert.That((string?)run.Json["data_account"]![0], Is.EqualTo("c.csv: CSV with ',' between fields; texts from body (not used: n)"));
    }

    [Test]
    public void Inspect_reports_a_file_of_examples()
    {
        CommandLine run = CommandLine.Run("inspect", _work["qa.csv"]);
        Assert.That((run.Code, run.Error), Is.EqualTo((0, "")));
        Assert.That(run.Out, Does.StartWith($"{_work["qa.csv"]}: CSV with ',' between fields; instructions and answers from question, answer (not used: id)\n  data: 8 rows of "));
        JsonNode json = CommandLine.Run("inspect", _work["text.jsonl"], "--model", _work["model"], "--json").Json;
        Assert.That((string?)json["splits"]![0]!["unit"], Is.EqualTo("tokens"));
        Assert.That((int)json["splits"]![0]!["rows"]!, Is.EqualTo(12));
    }
}
