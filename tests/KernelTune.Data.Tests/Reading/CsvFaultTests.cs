namespace KernelTune.Data.Tests.Reading;

/// <summary>FAULTS 41, and 35, 36, 39, 40 for tables.</summary>
public class CsvFaultTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DropFolder() => _folder.Dispose();

    private TextExample[] Read(string text, ReadOptions? options = null, ReadAccount? account = null) =>
        [.. ExampleFile.Read(_folder.Write("d.csv", text), options ?? new ReadOptions(), account ?? new ReadAccount()).Cast<TextExample>()];

    [TestCase("text,n\na,1\n\"never closed,2\nb,3\n", "line 3: a quote was opened and never closed")]
    [TestCase("text,n\n\"a\" b,1\n", "line 2: text was found behind a closing quote, the end of the field wanted (a quote within quotes is written twice)")]
    [TestCase("text,n\na,1\nb\n", "line 3: 1 fields were found, 2 as in the header wanted")]
    [TestCase("text,n\n\"two\nlines\",1\nb,2,3\n", "line 4: 3 fields were found, 2 as in the header wanted")]
    [TestCase("text,n,text\na,1,2\n", "line 1: columns 1 and 3 are both called text")]
    [TestCase("text,\na,1\n", "line 1: column 2 has no name")]
    [TestCase("text,n\n", "the file is empty, at least one row wanted")]
    [TestCase("", "the file is empty, at least one row wanted")]
    public void Fault41_WhatIsWrongIsNamedWithItsLine(string text, string message) =>
        Assert.That(() => Read(text), Throws.TypeOf<DataException>().With.Message.EndsWith("d.csv: " + message));

    [Test]
    public void Fault41_QuotedNewlinesAndDoubledQuotesAreAccepted() =>
        Assert.That(Read("\uFEFFtext,n\r\n\"two\nlines, and \"\"quotes\"\"\",1\r\n5\" pipes,2\r\n\"\",3").Select(e => e.Text), Is.EqualTo(new[] { "two\nlines, and \"quotes\"", "5\" pipes", "" }));

    [Test]
    public void Fault37_RowsThatCannotBeUsedAreCounted()
    {
        var account = new ReadAccount();
        TextExample[] examples = Read("text,n\na,1\nb\n\"c\"d,3\ne,4\n", new ReadOptions { SkipBad = true }, account);
        Assert.That(examples.Select(e => (e.Line, e.Text)), Is.EqualTo(new[] { (2L, "a"), (5L, "e") }));
        Assert.That(account.Skipped, Is.EqualTo(2));
    }

    [Test]
    public void Fault39_ARowBeyondTheLimitIsRefused()
    {
        string path = _folder.Write("long.csv", "text\n\"" + new string('x', 3_000_000));
        long before = GC.GetTotalAllocatedBytes();
        Assert.That(() => ExampleFile.Read(path, new ReadOptions { LongestLine = 100_000 }, new ReadAccount()).ToList(), Throws.TypeOf<DataException>().With.Message.StartsWith($"{path}: line "));
        Assert.That(GC.GetTotalAllocatedBytes() - before, Is.LessThan(4 << 20));
    }

    [Test]
    public void Fault40_BytesThatAreNotUtf8AreAnError()
    {
        string path = _folder.Write("d.csv", (byte[])[.. "text\na\n"u8, 0xe9, (byte)'\n']);
        Assert.That(() => ExampleFile.Read(path, new ReadOptions(), new ReadAccount()).ToList(), Throws.TypeOf<DataException>().With.Message.EqualTo($"{path}: line 3: bytes that are not UTF-8 were found, UTF-8 wanted"));
    }
}
