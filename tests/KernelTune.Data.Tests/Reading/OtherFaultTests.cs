using System.Diagnostics;
using System.Text;

namespace KernelTune.Data.Tests.Reading;

/// <summary>FAULTS 35 to 40 for the readers that are neither JSON Lines nor CSV.</summary>
public class OtherFaultTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DropFolder() => _folder.Dispose();

    private static DataException Error(string path, ReadOptions? options = null) => Assert.Throws<DataException>(() => ExampleFile.Read(path, options ?? new ReadOptions(), new ReadAccount()).ToList())!;

    [TestCase("d.json", "", "the file is empty, at least one row wanted")]
    [TestCase("d.json", "[]", "the list is empty, at least one row wanted")]
    [TestCase("d.txt", "\n\n", "the file is empty, at least one row wanted")]
    [TestCase("c.json", "{\"text\": []}", "the columns are empty, at least one row wanted")]
    [TestCase("s.json", "{\"data\": [{\"title\": \"t\", \"paragraphs\": []}]}", "the file is empty, at least one row wanted")]
    public void Fault35_NothingIsAnError(string name, string text, string problem) => Assert.That(Error(_folder.Write(name, text)).Problem, Is.EqualTo(problem));

    [TestCase("d.json", "[{\"text\": \"a\"},\n {\"text\": }]", "line 2, column 11: not valid JSON (")]
    [TestCase("d.json", "[{\"text\": \"a\"},\n {\"text\": \"b\"}", "line 2, column ")]
    [TestCase("d.json", "[{\"text\": \"a\"}, 3]", "entry 2, column 1: a number was found, a JSON object wanted")]
    [TestCase("d.json", "[{\"text\": \"a\"}, {\"text\": 1}]", "entry 2, column 10: text is a number, a text wanted")]
    [TestCase("d.json", "[{\"text\": \"a\"}] x", "line 1, column 17: not valid JSON (")]
    [TestCase("c.json", "{\"text\": [\"a\"], \"n\": [1, 2]}", "column n has 2 values, 1 as in column text wanted")]
    [TestCase("s.json", "{\"data\": [{\"title\": \"t\", \"paragraphs\": [{\"context\": \"c\"}]}]}", "entry 1: qas is missing, a list wanted")]
    public void Fault37_WhatIsBrokenIsNamedWithItsPlace(string name, string text, string message) =>
        Assert.That(Error(_folder.Write(name, text)).Message, Does.StartWith($"{Path.Combine(_folder.Path, name)}: {message}").And.Not.Contain('\n'));

    [Test]
    public void Fault39_AnEntryOrALineBeyondTheLimitIsRefusedInBoundedMemory()
    {
        string list = Path.Combine(_folder.Path, "d.json"), text = Path.Combine(_folder.Path, "d.txt");
        foreach ((string path, string start) in ((string, string)[])[(list, "[{\"text\": \""), (text, "a line ")])
        {
            using FileStream file = File.Create(path);
            file.Write(Encoding.UTF8.GetBytes(start));
            for (int i = 0; i < 64; i++) file.Write(Encoding.UTF8.GetBytes(new string('x', 1 << 20)));
        }

        var options = new ReadOptions { LongestLine = 1 << 20 };
        long before = GC.GetTotalAllocatedBytes();
        Assert.That(Error(list, options).Message, Is.EqualTo($"{list}: entry 1: an entry of more than 1048576 bytes was found"));
        Assert.That(Error(text, options).Message, Is.EqualTo($"{text}: line 1: a line of more than 1048576 bytes was found"));
        Assert.That(GC.GetTotalAllocatedBytes() - before, Is.LessThan(16 << 20));
    }

    [Test]
    public void Fault39_ADeviceAndAPipeAreRefusedWhateverTheyAreCalled()
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("devices and pipes are Linux's here");
        foreach (string name in (string[])["d.json", "d.csv", "d.txt", "d.parquet", "d"])
        {
            string pipe = Path.Combine(_folder.Path, name);
            using (Process make = Process.Start("mkfifo", pipe)!) make.WaitForExit();
            Assert.That(Error(pipe).Problem, Is.EqualTo("a device or pipe was found, a regular file wanted"));
            File.Delete(pipe);
        }

        string good = _folder.Write("a.en", "one\n");
        Assert.That(Error(good, new ReadOptions { Target = "/dev/zero" }).Problem, Is.EqualTo("a device or pipe was found, a regular file wanted"));
    }

    [TestCase("d.txt", "line 2, column 2: byte 0xFF was found, UTF-8 wanted")]
    [TestCase("d.json", "entry 1: bytes that are not UTF-8 were found, UTF-8 wanted")]
    public void Fault40_BytesThatAreNotUtf8AreAnError(string name, string message)
    {
        byte[] bytes = name == "d.txt" ? [.. "a\nb"u8, 0xff] : [.. "[{\"text\": \""u8, 0xff, .. "\"}]"u8];
        string path = _folder.Write(name, bytes);
        Assert.That(Error(path).Message, Is.EqualTo($"{path}: {message}"));
    }

    [Test]
    public void MessagesOfLaterStagesCountAsTheFileDoes()
    {
        string path = _folder.Write("d.json", "[{\"text\": \"ab\"}, {\"text\": \"long text\"}]");
        Assert.That(
            () => TrainingData.Load(new TrainingDataOptions { Train = [new(path)], MaxLength = 5, Strict = true }, new CharacterEncoder(), null),
            Throws.TypeOf<DataException>().With.Message.EqualTo($"{path}: entry 2: a sequence of 11 tokens was found, at most 5 (max_length) wanted"));
    }
}
