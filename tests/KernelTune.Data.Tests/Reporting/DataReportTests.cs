using System.Text.Json;

namespace KernelTune.Data.Tests.Reporting;

public class DataReportTests
{
    [Test]
    public void LengthsAreNearestRanks()
    {
        LengthQuantiles lengths = LengthQuantiles.Of(Enumerable.Range(1, 100));
        Assert.That(lengths, Is.EqualTo(new LengthQuantiles(1, 5, 25, 50, 75, 95, 99, 100, 50.5)));
        Assert.That(LengthQuantiles.Of([7]), Is.EqualTo(new LengthQuantiles(7, 7, 7, 7, 7, 7, 7, 7, 7)));
    }

    [Test]
    public void CountsCutsDuplicatesOverlapAndRowsWithoutLabels()
    {
        using var folder = new TemporaryFolder();
        string Rows(params string[] completions) => string.Concat(completions.Select(c => $"{{\"prompt\": \"p\", \"completion\": \"{c}\", \"id\": 1}}\n"));
        string train = folder.Write("train.jsonl", Rows("a", "b", "a", "long completion") + "{\"prompt\": \"a prompt of its own\", \"completion\": \"x\"}\n{oops\n");
        string test = folder.Write("test.jsonl", Rows("b", "c", "c"));
        var options = new TrainingDataOptions { Train = [new(train)], Test = [new(test)], MaxLength = 8, SkipBad = true };
        TrainingData data = TrainingData.Load(options, new CharacterEncoder(), null);
        SplitReport rows = data.Report.Splits[0], judged = data.Report.Splits[1];
        Assert.That((rows.Name, rows.Rows, rows.Duplicates, rows.AlsoInTrain, rows.Total, rows.Labelled), Is.EqualTo(("train", 4, 1, (int?)null, 20L, 12L)));
        Assert.That((rows.Files[0].Examples, rows.Files[0].Skipped, rows.Files[0].Truncated, rows.Files[0].WithoutLabel, rows.Files[0].WithoutLabelShare), Is.EqualTo((5L, 1L, 2L, 1L, 0.2)));
        Assert.That((rows.Lengths.Least, rows.Lengths.Median, rows.Lengths.Most), Is.EqualTo((4, 4, 8)));
        Assert.That((judged.Name, judged.Rows, judged.Duplicates, judged.AlsoInTrain), Is.EqualTo(("test", 3, 1, (int?)1)));
        Assert.That(((ITrainingData)data).Account, Is.EqualTo(new[]
        {
            "train.jsonl: JSON Lines; prompts and completions from prompt, completion (not used: id)",
            "train: 4 rows of 4 to 8 tokens, half of them up to 4; 2 cut; 1 without a label left out; 1 that cannot be read left out; 1 the same as one before",
            "test.jsonl: JSON Lines; prompts and completions from prompt, completion (not used: id)",
            "test: 3 rows of 4 to 4 tokens, half of them up to 4; 1 the same as one before; 1 also in train",
        }));
        using JsonDocument json = JsonDocument.Parse(data.Report.ToJson());
        Assert.That(json.RootElement.GetProperty("splits")[1].GetProperty("also_in_train").GetInt32(), Is.EqualTo(1));
        Assert.That(json.RootElement.GetProperty("splits")[0].GetProperty("files")[0].GetProperty("without_label_share").GetDouble(), Is.EqualTo(0.2));
    }

    [Test]
    public void AHeldOutShareIsComparedWithWhatIsLeft()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("d.jsonl", string.Concat(Enumerable.Range(0, 20).Select(i => $"{{\"text\": \"{i / 2}\"}}\n")));
        TrainingData data = TrainingData.Load(new TrainingDataOptions { Train = [new(path)], ValidationShare = 0.2, Seed = 1 }, new CharacterEncoder(), null);
        var train = data.Train.Select(r => string.Join(' ', r.Ids)).ToHashSet();
        int both = data.Validation!.Rows.Count(r => train.Contains(string.Join(' ', r.Ids)));
        Assert.That(both, Is.GreaterThan(0));
        Assert.That(data.Report.Splits[1].AlsoInTrain, Is.EqualTo(both));
        Assert.That(data.Report.Splits[0].Rows + data.Report.Splits[1].Rows, Is.EqualTo(20));
    }

    [Test]
    public void ClassesAreCountedAndLengthsAreCharactersWithoutATokenizer()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("d.csv", "text,label\ngood,pos\nbad 😀,neg\ngood,pos\n");
        SplitReport report = DataInspection.Of(path, new ReadOptions { Format = ExampleFormat.Classification });
        Assert.That(report.Labels, Is.EqualTo(new[] { new LabelCount("pos", 2), new LabelCount("neg", 1) }));
        Assert.That((report.Unit, report.Rows, report.Duplicates, report.Lengths.Most), Is.EqualTo(("characters", 3, 1, 6)));
    }
}
