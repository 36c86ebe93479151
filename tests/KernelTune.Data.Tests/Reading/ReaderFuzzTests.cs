using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace KernelTune.Data.Tests.Reading;

/// <summary>Whatever stands in a file: its examples come out, or one sentence in one line that names the file. Nothing else is thrown, and nothing hangs.</summary>
[CancelAfter(120_000)]
public class ReaderFuzzTests
{
    private static readonly string[] Fragments =
    [
        "{", "}", "[", "]", "{\"text\": \"a\"}", "\"text\": ", "\"messages\": [", "{\"role\": \"user\", \"content\": \"x\"}", "\"data\"", "\"paragraphs\"", "\"qas\"", "\"context\"", "\"answers\"", "\"conversations\"", "\"from\"",
        "null", "true", "-1", "1e999", "0.5", "\"", "\\", "\\ud800", "\\u0000", ",", ":", ";", "\t", "\n", "\r\n", "\r", "text,label\n", "\"\"", "\"a\"\"b\"", "é", "今", "👍🏽", "\uFEFF", "\0", " ", "a", "PAR1", "chosen", "instruction,output\n",
        "{\"instruction\": \"i\", \"output\": \"o\"}", "{\"tokens\": [\"a\"], \"ner_tags\": [0]}", "{\"context\": \"ab\", \"question\": \"q\", \"answers\": {\"text\": [\"b\"], \"answer_start\": [1]}}",
    ];

    private static readonly string[] Names = ["d.jsonl", "d.json", "d.csv", "d.tsv", "d.txt", "d", "d.parquet"];

    private static Gen<byte[]> Contents { get; } = Gen.Frequency(
        (6, Gen.Elements(Fragments).Select(Encoding.UTF8.GetBytes)),
        (1, Gen.Choose(0, 255).Select(b => new[] { (byte)b }))).ListOf().Select(parts => parts.SelectMany(p => p).ToArray());

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void DropFolder() => _folder.Dispose();

    private static void Holds<T>(Gen<T> values, int count, Func<T, bool> property) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(count).WithQuietOnSuccess(true).WithReplay(11, 11).WithEndSize(60), Prop.ForAll(values.ToArbitrary(), property));

    /// <summary>True where the file is read, or refused in the way that is promised.</summary>
    private static bool IsReadOrRefused(string path, ReadOptions options)
    {
        try
        {
            return ExampleFile.Read(path, options, new ReadAccount()).ToList().Count > 0;
        }
        catch (DataException e)
        {
            return e.Message.Length > 0 && !e.Message.Contains('\n', StringComparison.Ordinal) && e.File.StartsWith(Path.GetDirectoryName(path)!, StringComparison.Ordinal);
        }
    }

    [TestCaseSource(nameof(Names))]
    public void FragmentsUnderAnyName(string name) => Holds(
        Contents.Zip(Gen.Elements(Enum.GetValues<ExampleFormat>().Where(f => f != ExampleFormat.ImageFolder).ToArray())).Zip(Gen.Elements(false, true)),
        400,
        c => IsReadOrRefused(_folder.Write(name, c.Item1.Item1), new ReadOptions { Format = c.Item1.Item2, SkipBad = c.Item2, LongestLine = 4096 }));

    [Test]
    public void ParallelFiles() => Holds(
        Contents.Zip(Contents),
        300,
        c => IsReadOrRefused(_folder.Write("a", c.Item1), new ReadOptions { Target = _folder.Write("b", c.Item2), LongestLine = 4096 }));

    [Test]
    public void FoldersOfTexts() => Holds(
        Contents.Zip(Contents),
        200,
        c =>
        {
            _folder.Write("a.txt", c.Item1);
            _folder.Write("b.md", c.Item2);
            return IsReadOrRefused(_folder.Path, new ReadOptions { LongestLine = 4096 });
        });

    [TestCase("nested.parquet")]
    [TestCase("groups.parquet")]
    public void ParquetWithSomeBytesChanged(string name)
    {
        byte[] good = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "Parquet", name));
        Gen<(int, int)[]> changes = Gen.Choose(0, good.Length - 1).Zip(Gen.Choose(0, 255)).ArrayOf();
        Holds(changes.Zip(Gen.Choose(0, good.Length)), 400, c =>
        {
            byte[] bad = [.. good];
            foreach ((int at, int value) in c.Item1) bad[at] = (byte)value;
            if (c.Item2 % 3 == 0) bad = bad[..c.Item2];
            return IsReadOrRefused(_folder.Write("d.parquet", bad), new ReadOptions { SkipBad = c.Item2 % 2 == 0 });
        });
    }

    [Test]
    public void AGoodFileWithOneByteChanged()
    {
        (string Name, string Text)[] good =
        [
            ("d.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}\n{\"messages\": [{\"role\": \"user\", \"content\": \"y\"}]}\n"),
            ("d.json", "[{\"prompt\": \"a\", \"completion\": \"b\"},\n {\"prompt\": \"c\", \"completion\": \"d\"}]"),
            ("c.json", "{\"text\": [\"a\", \"b\"], \"id\": [1, 2]}"),
            ("s.json", "{\"data\": [{\"title\": \"T\", \"paragraphs\": [{\"context\": \"ab\", \"qas\": [{\"id\": \"1\", \"question\": \"q\", \"answers\": [{\"text\": \"b\", \"answer_start\": 1}]}]}]}]}"),
            ("d.csv", "text,label\n\"a \"\"b\"\"\",1\nc,2\n"),
            ("d.tsv", "source\ttarget\na\tb\n"),
        ];
        foreach ((string name, string text) in good)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            for (int at = 0; at < bytes.Length; at++)
            {
                foreach (byte value in (byte[])[0, (byte)'"', (byte)'\n', (byte)'{', (byte)']', 0xff, (byte)','])
                {
                    byte was = bytes[at];
                    bytes[at] = value;
                    Assert.That(IsReadOrRefused(_folder.Write(name, bytes), new ReadOptions()), $"{name}, byte {at} as {value}");
                    bytes[at] = was;
                }
            }
        }
    }
}
