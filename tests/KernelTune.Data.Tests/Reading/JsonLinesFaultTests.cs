using System.Diagnostics;
using System.Text;

namespace KernelTune.Data.Tests.Reading;

/// <summary>FAULTS 35 to 40 and 43, 44: what a data file may hold, and what is said of it.</summary>
public class JsonLinesFaultTests
{
    private const string Row = "{\"text\": \"a\"}";
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DropFolder() => _folder.Dispose();

    private static List<Example> Read(string path, ReadOptions? options = null, ReadAccount? account = null) =>
        ExampleFile.Read(path, options ?? new ReadOptions(), account ?? new ReadAccount()).ToList();

    private static DataException Error(string path, ReadOptions? options = null) => Assert.Throws<DataException>(() => Read(path, options))!;

    private DataException ErrorOf(string text, ReadOptions? options = null) => Error(_folder.Write("d.jsonl", text), options);

    [TestCase("")]
    [TestCase("\uFEFF")]
    [TestCase("\n\r\n  \n")]
    public void Fault35_AnEmptyFileIsAnError(string text)
    {
        string path = _folder.Write("empty.jsonl", text);
        Assert.That(Error(path).Message, Is.EqualTo($"{path}: the file is empty, at least one row wanted"));
    }

    [TestCase("\uFEFF" + Row + "\n" + Row + "\n")]
    [TestCase(Row + "\r\n" + Row + "\r\n")]
    [TestCase(Row + "\n" + Row)]
    [TestCase(Row + "\r\n\r\n" + Row + "\r")]
    public void Fault36_ByteOrderMarkCarriageReturnsAndNoLastNewlineAreAccepted(string text)
    {
        var account = new ReadAccount();
        Assert.That(Read(_folder.Write("d.jsonl", text), account: account).Cast<TextExample>().Select(e => e.Text), Is.EqualTo(new[] { "a", "a" }));
        Assert.That(account.Examples, Is.EqualTo(2));
        Assert.That(account.FormatReason, Is.EqualTo("line 1 has text (its fields: text)"));
    }

    [TestCase("{\"text\": \"a\"", 13, "not valid JSON (")]
    [TestCase("{\"text\": \"é\", }", 15, "not valid JSON (")]
    [TestCase("{\"text\": \"a\"} x", 15, "not valid JSON (")]
    [TestCase("[1]", 1, "a list was found, a JSON object wanted")]
    [TestCase("{\"text\": \"a\", \"text\": \"b\"}", 1, "not valid JSON (")]
    [TestCase("{\"text\": \"\\ud800\"}", 10, "half of a surrogate pair was found, a whole character wanted")]
    public void Fault37_ABrokenLineIsNamedWithLineAndColumn(string line, int column, string problem)
    {
        DataException e = ErrorOf(Row + "\n\n" + line + "\n" + Row + "\n");
        Assert.That(e.Line, Is.EqualTo(3));
        Assert.That(e.Problem, Does.StartWith(problem));
        if (!line.Contains("\"b\"", StringComparison.Ordinal)) Assert.That(e.Column, Is.EqualTo(column));
        Assert.That(e.Message, Does.Contain($"d.jsonl: line 3, column {e.Column}: ").And.Not.Contain('\n'));
    }

    [Test]
    public void Fault37_SkippingBadRowsCountsThem()
    {
        var account = new ReadAccount();
        byte[] bytes = [.. Encoding.UTF8.GetBytes(Row + "\n{oops\n{\"text\": 1}\n"), 0xff, (byte)'\n', .. Encoding.UTF8.GetBytes(Row)];
        List<Example> examples = Read(_folder.Write("d.jsonl", bytes), new ReadOptions { SkipBad = true }, account);
        Assert.That(examples.Select(e => e.Line), Is.EqualTo(new long[] { 1, 5 }));
        Assert.That(account.Skipped, Is.EqualTo(3));
        Assert.That(account.SkippedMessages.Select(m => m[(m.IndexOf("jsonl: ", StringComparison.Ordinal) + 7)..]), Is.EqualTo(new[]
        {
            "line 2, column 2: not valid JSON ('o' is an invalid start of a property name. Expected a '\"')",
            "line 3, column 10: text is a number, a text wanted",
            "line 4, column 1: byte 0xFF was found, UTF-8 wanted",
        }));
        Assert.That(Error(_folder.Write("bad.jsonl", "{oops\n"), new ReadOptions { SkipBad = true }).Problem, Does.StartWith("all 1 rows were skipped as bad (the first: "));
    }

    [TestCase("{\"prompt\": \"a\"}", "line 2: completion is missing, a text wanted")]
    [TestCase("{\"prompt\": null, \"completion\": \"b\"}", "line 2, column 12: prompt is null, a text or a list of messages wanted")]
    [TestCase("{\"prompt\": \"a\", \"completion\": 3}", "line 2, column 31: completion is a number, a text wanted")]
    [TestCase("{\"prompt\": \"a\", \"completion\": [{\"role\": \"user\", \"content\": \"x\"}]}", "line 2, column 31: completion is a list, a text wanted")]
    public void Fault38_AFieldThatIsMissingNullOrOfAnotherTypeIsNamed(string line, string message) =>
        Assert.That(ErrorOf("{\"prompt\": \"a\", \"completion\": \"b\"}\n" + line).Message, Does.EndWith("d.jsonl: " + message));

    [TestCase("{}", "line 2: messages is missing, a list of messages wanted")]
    [TestCase("{\"messages\": {}}", "line 2, column 14: messages is an object, a list of messages wanted")]
    [TestCase("{\"messages\": []}", "line 2, column 14: messages is empty, at least one message wanted")]
    [TestCase("{\"messages\": [1]}", "line 2, column 15: messages[0] is a number, an object with role and content wanted")]
    [TestCase("{\"messages\": [{\"role\": \"user\", \"content\": \"é\"}, {\"content\": \"x\"}]}", "line 2, column 49: messages[1] has no role")]
    [TestCase("{\"messages\": [{\"role\": 1, \"content\": \"x\"}]}", "line 2, column 24: messages[0].role is a number, a text wanted")]
    [TestCase("{\"messages\": [{\"role\": \"user\", \"content\": null}]}", "line 2, column 43: messages[0].content is null, a text wanted")]
    [TestCase("{\"messages\": [{\"role\": \"user\"}]}", "line 2, column 15: messages[0] has no content")]
    public void Fault38_AMessageIsLookedAtFieldByField(string line, string message) =>
        Assert.That(ErrorOf("{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}\n" + line).Message, Does.EndWith("d.jsonl: " + message));

    [Test]
    public void Fault38_AnUnknownFormatListsTheFields()
    {
        Assert.That(ErrorOf("{\"query\": 1, \"reply\": 2}").Problem, Is.EqualTo("the fields query, reply were found; messages, prompt and completion, instruction and output, chosen and rejected, or text wanted (data.columns can name them)"));
    }

    [Test]
    public void Fault39_ALineOfAGigabyteIsRefusedInBoundedMemory()
    {
        string path = Path.Combine(_folder.Path, "long.jsonl");
        using (FileStream file = File.Create(path))
        {
            file.Write("{\"text\": \""u8);
            file.SetLength(1L << 30);       // sparse: no newline for a gigabyte
        }

        long before = GC.GetTotalAllocatedBytes();
        DataException e = Error(path, new ReadOptions { LongestLine = 1 << 20 });
        Assert.That(e.Message, Is.EqualTo($"{path}: line 1: a line of more than 1048576 bytes was found"));
        Assert.That(GC.GetTotalAllocatedBytes() - before, Is.LessThan(16 << 20));
    }

    [Test]
    public void Fault39_ALongLineIsSkippedWithTheRestOfTheFileRead()
    {
        string path = _folder.Write("d.jsonl", Row + "\n" + new string('x', 300_000) + "\n" + Row + "\n");
        var account = new ReadAccount();
        Assert.That(Read(path, new ReadOptions { LongestLine = 1000, SkipBad = true }, account).Select(e => e.Line), Is.EqualTo(new long[] { 1, 3 }));
        Assert.That(account.SkippedMessages, Is.EqualTo(new[] { $"{path}: line 2: a line of more than 1000 bytes was found" }));
    }

    [Test]
    public void Fault39_AFolderADeviceAndAPipeAreRefused()
    {
        Assert.That(Error(_folder.Path).Problem, Is.EqualTo("a folder without texts was found, a file or a folder of .txt, .text, .md, .rst wanted"));
        Assert.That(Error(Path.Combine(_folder.Path, "nothing.jsonl")).Problem, Is.EqualTo("no such file"));
        if (!OperatingSystem.IsLinux()) return;
        Assert.That(Error("/dev/zero").Problem, Is.EqualTo("a device or pipe was found, a regular file wanted"));
        string pipe = Path.Combine(_folder.Path, "pipe");
        using (Process make = Process.Start("mkfifo", pipe)!) make.WaitForExit();
        Assert.That(Error(pipe).Problem, Is.EqualTo("a device or pipe was found, a regular file wanted"));
    }

    [TestCase(new byte[] { 0xff }, 0xff)]
    [TestCase(new byte[] { 0xc3, 0x28 }, 0xc3)]
    [TestCase(new byte[] { 0xed, 0xa0, 0x80 }, 0xed)]
    [TestCase(new byte[] { 0xc0, 0x80 }, 0xc0)]
    public void Fault40_BytesThatAreNotUtf8AreAnErrorAndNeverReplaced(byte[] wrong, int first)
    {
        byte[] bytes = [.. Encoding.UTF8.GetBytes(Row + "\n{\"text\": \"é"), .. wrong, .. "\"}"u8];
        string path = _folder.Write("d.jsonl", bytes);
        Assert.That(Error(path).Message, Is.EqualTo($"{path}: line 2, column 12: byte 0x{first:X2} was found, UTF-8 wanted"));
    }

    [Test]
    public void RowsChooseExamplesInTheFilesOrder()
    {
        string path = _folder.Write("d.jsonl", string.Concat(Enumerable.Range(0, 10).Select(i => $"{{\"text\": \"{i}\"}}\n\n")));
        string Rows(string rows) => string.Concat(Read(path, new ReadOptions { Rows = ExampleRange.Parse(rows) }).Cast<TextExample>().Select(e => e.Text));
        Assert.That(Rows("0:3"), Is.EqualTo("012"));
        Assert.That(Rows("8:"), Is.EqualTo("89"));
        Assert.That(Rows(":2"), Is.EqualTo("01"));
        Assert.That(Rows("4:99"), Is.EqualTo("456789"));
        Assert.That(Error(path, new ReadOptions { Rows = new ExampleRange(20, 30) }).Problem, Is.EqualTo("10 examples were found, rows 20:30 leave none of them"));
        foreach (string wrong in new[] { "3", "a:b", "-1:2", "5:2", "1:2:3" })
            Assert.That(ExampleRange.Parse(wrong), Is.Null);
    }

    [Test]
    public void ManyLinesOfAllLengthsComeOutAsTheyWent()
    {
        var random = new Random(5);
        string[] texts = Enumerable.Range(0, 500).Select(_ => new string('é', random.Next(0, 3000))).ToArray();
        string path = _folder.Write("d.jsonl", string.Join("\n", texts.Select(t => $"{{\"text\": \"{t}\"}}")));
        Assert.That(Read(path).Cast<TextExample>().Select(e => e.Text), Is.EqualTo(texts));
    }
}
