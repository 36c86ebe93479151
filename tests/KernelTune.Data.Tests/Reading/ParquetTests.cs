using System.Text.Json;
using KernelTune.Data.Reading;

namespace KernelTune.Data.Tests.Reading;

/// <summary>Files that another implementation wrote: see Golden/Parquet/README.md.</summary>
public class ParquetTests
{
    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", "Parquet", name);

    [Test]
    public void NestedValuesAndNullsAreThoseThatWereWritten()
    {
        string[] expected = File.ReadAllLines(Golden("nested.jsonl"));
        using var reader = new ParquetFileReader(Golden("nested.parquet"));
        int row = 0;
        while (reader.TryRead(out Record record))
        {
            Assert.That(record.Problem, Is.Null);
            using JsonDocument wanted = JsonDocument.Parse(expected[row++]);
            Assert.That(JsonElement.DeepEquals(record.Row, wanted.RootElement), $"row {row}: {record.Row}, wanted {wanted.RootElement}");
        }

        Assert.That(row, Is.EqualTo(expected.Length));
    }

    [Test]
    public void ConversationsAreExamplesAndBadRowsAreCounted()
    {
        var account = new ReadAccount();
        Example[] examples = [.. ExampleFile.Read(Golden("nested.parquet"), new ReadOptions { SkipBad = true }, account)];
        Assert.That(examples.Select(e => e.Line), Is.EqualTo(new long[] { 1, 5 }));
        Assert.That(((ChatExample)examples[0]).Messages.Select(m => m.Role), Is.EqualTo(new[] { "user", "assistant" }));
        Assert.That(account.Detected(), Is.EqualTo("Parquet; conversations from messages (not used: number, share, truth, text, words, deep)"));
        Assert.That(account.SkippedMessages.Select(m => m[(m.IndexOf("parquet: ", StringComparison.Ordinal) + 9)..]), Is.EqualTo(new[]
        {
            "row 2: messages[1].content is null, a text wanted",
            "row 3: messages is null, a list of messages wanted",
            "row 4: messages is empty, at least one message wanted",
        }));
    }

    [Test]
    public void KindsThatNoExampleNeedsAreLeftOut()
    {
        var account = new ReadAccount();
        TextExample[] examples = [.. ExampleFile.Read(Golden("kinds.parquet"), new ReadOptions(), account).Cast<TextExample>()];
        Assert.That(examples.Select(e => e.Text), Is.EqualTo(Enumerable.Range(0, 100).Select(i => $"text {i % 7}")));
        Assert.That(account.Unused, Is.EqualTo(new[] { "i", "big", "dec", "f", "ts", "id", "image", "l" }));
        Assert.That(account.Kind, Is.EqualTo("Parquet (d, u8 in an encoding that cannot be read)"));
        using var reader = new ParquetFileReader(Golden("kinds.parquet"));
        for (int i = 0; i < 3; i++) Assert.That(reader.TryRead(out Record record) ? record.Row.GetProperty("l").ToString() : "", Is.EqualTo($"[{i},{i + 1}]"));
    }

    [Test]
    [CancelAfter(60_000)]
    public void ADamagedFooterIsRefusedAtOnce() =>
        Assert.That(() => ExampleFile.Read(Golden("endless.parquet"), new ReadOptions(), new ReadAccount()).ToList(), Throws.TypeOf<DataException>().With.Message.Contains("endless.parquet: not a Parquet file that can be read ("));

    [Test]
    public void GroupsFollowOneAnother()
    {
        TextExample[] examples = [.. ExampleFile.Read(Golden("groups.parquet"), new ReadOptions(), new ReadAccount()).Cast<TextExample>()];
        Assert.That(examples.Select(e => e.Text), Is.EqualTo(Enumerable.Range(0, 5000).Select(i => $"row {i}")));
    }
}
