using KernelTune.Text.Chat;

namespace KernelTune.Data.Tests.Batching;

public class TrainingBatchesTests
{
    private static TokenRow Row(int length, int first = 10) => new(1, Enumerable.Range(first, length).ToArray(), Enumerable.Range(first, length).ToArray());

    private static TrainingBatches Stream(int rows, int size, long? seed) =>
        new(Enumerable.Range(0, rows).Select(i => Row(2 + (i % 3), 100 * i)).ToArray(), new SftCollator { PadTokenId = 9 }, size, seed);

    private static List<int> Starts(TrainingBatches stream, int batches)
    {
        var starts = new List<int>();
        for (int b = 0; b < batches; b++)
        {
            Batch batch = stream.Next();
            for (int r = 0; r < batch.Rows; r++) starts.Add(batch.InputIds[r * batch.Columns] / 100);
        }

        return starts;
    }

    [Test]
    public void EveryEpochIsAnotherPermutationOfAllRows()
    {
        TrainingBatches stream = Stream(10, 4, 7);
        List<int> first = Starts(stream, 3);
        Assert.That(stream.State, Is.EqualTo(new BatchState(1, 0)));
        List<int> second = Starts(stream, 3);
        Assert.That(first, Is.EquivalentTo(Enumerable.Range(0, 10)));
        Assert.That(second, Is.EquivalentTo(first).And.Not.EqualTo(first));
        Assert.That(Starts(Stream(10, 4, 7), 3), Is.EqualTo(first));
        Assert.That(Starts(Stream(10, 4, 8), 3), Is.Not.EqualTo(first));
        Assert.That(Starts(Stream(10, 4, null), 3), Is.EqualTo(Enumerable.Range(0, 10)));
    }

    [Test]
    public void AnOrderNeverChangesBetweenVersions() =>
        Assert.That(SeededOrder.Permutation(8, 7, 0).Concat(SeededOrder.Permutation(8, 7, 1)), Is.EqualTo(KnownOrder));

    private static readonly int[] KnownOrder = [2, 1, 6, 5, 7, 0, 3, 4, 3, 6, 1, 4, 5, 2, 0, 7];

    [Test]
    public void AStateThatWasSavedContinuesWithTheSameBatches()
    {
        for (int stop = 0; stop < 7; stop++)
        {
            TrainingBatches whole = Stream(10, 4, 3), before = Stream(10, 4, 3), after = Stream(10, 4, 3);
            List<int> all = Starts(whole, 7);
            List<int> first = Starts(before, stop);
            after.Restore(before.State);
            Assert.That(first.Concat(Starts(after, 7 - stop)), Is.EqualTo(all));
            Assert.That(after.State, Is.EqualTo(whole.State));
        }
    }

    [TestCase(0, 10)]
    [TestCase(0, 3)]
    [TestCase(-1, 0)]
    public void AStateOfAnotherStreamIsRefused(long epoch, long position) =>
        Assert.That(() => Stream(10, 4, 3).Restore(new BatchState(epoch, position)), Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("an example below 10 that begins a batch of 4 wanted"));

    [Test]
    public void LabelsOfTheFirstColumnDoNotCount()
    {
        Batch batch = new SftCollator { PadTokenId = 9 }.Collate([Row(3), Row(1)]);
        Assert.That((batch.Rows, batch.Columns, batch.Tokens, batch.LabelTokens, batch.HasPadding), Is.EqualTo((2, 3, 4, 2, true)));
    }

    [Test]
    public void APackedRowKeepsItsSequencesApart()
    {
        TokenRow[] packed = RowPacking.Pack([Row(3), Row(2, 50)], 8, Packing.BestFit).ToArray();
        Batch batch = new SftCollator { PadTokenId = 9, PaddingFree = true }.Collate(packed);
        Assert.That(batch.InputIds, Is.EqualTo(new[] { 10, 11, 12, 50, 51 }));
        Assert.That(batch.Labels, Is.EqualTo(new[] { -100, 11, 12, -100, 51 }));
        Assert.That(batch.PositionIds, Is.EqualTo(new[] { 0, 1, 2, 0, 1 }));
        Assert.That(batch.CuSeqLens, Is.EqualTo(new[] { 0, 3, 5 }));
        Assert.That((batch.AttentionMask, batch.LongestSequence, batch.LabelTokens), Is.EqualTo(((int[]?)null, 3, 3)));
    }

    [Test]
    public void TheLargestBatchIsABoundWhenShuffledAndExactWhenNot()
    {
        TokenRow[] rows = [Row(2), Row(9), Row(3), Row(4), Row(8), Row(1)];
        var collator = new SftCollator { PadTokenId = 9 };
        Batch shuffled = new TrainingBatches(rows, collator, 2, 5).Largest(), inOrder = new TrainingBatches(rows, collator, 2, null).Largest();
        Assert.That((shuffled.Rows, shuffled.Columns, shuffled.Tokens), Is.EqualTo((2, 9, 17)));
        Assert.That((inOrder.Rows, inOrder.Columns, inOrder.Tokens), Is.EqualTo((2, 9, 11)));
    }

    [Test]
    public void AHeldOutShareIsDecidedByTheSeed()
    {
        int[] held = SeededOrder.HeldOut(100, 0.05, 7);
        Assert.That(held, Has.Length.EqualTo(5).And.Ordered.And.Unique);
        Assert.That(SeededOrder.HeldOut(100, 0.05, 7), Is.EqualTo(held));
        Assert.That(SeededOrder.HeldOut(100, 0.05, 8), Is.Not.EqualTo(held));
        Assert.That(SeededOrder.HeldOut(3, 0.01, 1), Has.Length.EqualTo(1));
        Assert.That(SeededOrder.HeldOut(3, 0.99, 1), Has.Length.EqualTo(2));
        Assert.That(() => SeededOrder.HeldOut(10, double.NaN, 1), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void ARecipesDataBecomesTwoStreams()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("d.jsonl", string.Concat(Enumerable.Range(0, 20).Select(i => $"{{\"prompt\": \"{new string('p', i)}\", \"completion\": \"c\"}}\n")));
        var options = new TrainingDataOptions { Train = [new(path)], ValidationShare = 0.2, MaxLength = 16, Seed = 3, BatchSize = 4, Rows = ExampleRange.Parse("0:20") };
        TrainingData data = TrainingData.Load(options, new CharacterEncoder(), null);
        FileAccount account = data.Accounts.Single();
        Assert.That((account.Reading.Examples, account.Reading.Format, account.Preparation.Truncated, account.Preparation.Dropped), Is.EqualTo((20L, ExampleFormat.PromptCompletion, 6L, 5L)));
        Assert.That((data.Train.Count, data.Validation!.Rows.Count), Is.EqualTo((12, 3)));
        Assert.That(data.Batches().BatchesPerEpoch, Is.EqualTo(3));
        Assert.That(data.Validation!.Batches(4).Sum(b => b.Rows), Is.EqualTo(3));
        Assert.That(TrainingData.Load(options, new CharacterEncoder(), null).Fingerprint, Is.EqualTo(data.Fingerprint).And.Length.EqualTo(64));
        Assert.That(TrainingData.Load(options with { Seed = 4 }, new CharacterEncoder(), null).Fingerprint, Is.Not.EqualTo(data.Fingerprint));
    }

    [Test]
    public void SeveralFilesFollowOneAnotherAndAreDrawnByWeight()
    {
        using var folder = new TemporaryFolder();
        string File(string name, int count) => folder.Write(name, string.Concat(Enumerable.Range(0, count).Select(i => $"{{\"text\": \"{name[0]}{i}\"}}\n")));
        string a = File("a", 6), b = File("b", 4);
        string[] Texts(TrainingDataOptions o) => TrainingData.Load(o, new CharacterEncoder(), null).Train.Select(r => string.Concat(r.Ids[1..^1].Select(c => (char)c))).ToArray();
        Assert.That(Texts(new TrainingDataOptions { Train = [new(a), new(b)] }), Is.EqualTo(new[] { "a0", "a1", "a2", "a3", "a4", "a5", "b0", "b1", "b2", "b3" }));
        Assert.That(Texts(new TrainingDataOptions { Train = [new(a), new(b)], Rows = ExampleRange.Parse("4:8") }), Is.EqualTo(new[] { "a4", "a5", "b0", "b1" }));
        Assert.That(Texts(new TrainingDataOptions { Train = [new(a, 1, ExampleRange.Parse("1:2")), new(b, 2)] }), Is.EqualTo(new[] { "a1", "b0", "b1", "b2", "b3", "b0", "b1", "b2", "b3" }));
        string[] half = Texts(new TrainingDataOptions { Train = [new(a, 0.5), new(b)], Seed = 1 });
        Assert.That(half.Count(t => t[0] == 'a'), Is.EqualTo(3));
        Assert.That(half, Is.Unique.And.EqualTo(Texts(new TrainingDataOptions { Train = [new(a, 0.5), new(b)], Seed = 1 })));
    }

    [Test]
    public void Fault43_AFileThatTeachesNothingIsAnError()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("d.jsonl", "{\"prompt\": \"long prompt\", \"completion\": \"c\"}\n");
        Assert.That(() => TrainingData.Load(new TrainingDataOptions { Train = [new(path)], MaxLength = 4 }, new CharacterEncoder(), null),
            Throws.TypeOf<DataException>().With.Message.EqualTo($"{path}: none of 1 examples has a label left to learn from (1 were cut to max_length)"));
    }

    [TestCase("{\"text\": \"x\"}", LossTokens.Assistant, "line 1: loss_on: assistant was found, and the rows are plain text")]
    [TestCase("{\"text\": \"x\"}", LossTokens.Completion, "line 1: loss_on: completion was found, and the rows have no completion of their own")]
    [TestCase("{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}", LossTokens.Completion, "line 1: loss_on: completion was found, and the rows have no completion of their own")]
    public void LossOnMustSuitTheRows(string line, LossTokens lossOn, string message)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("d.jsonl", line);
        ChatTemplate template = ChatTemplate.Compile("{{ messages }}", new Dictionary<string, string>());
        Assert.That(() => TrainingData.Load(new TrainingDataOptions { Train = [new(path)], LossOn = lossOn }, new CharacterEncoder(), template), Throws.TypeOf<DataException>().With.Message.EqualTo($"{path}: {message}"));
    }

    [Test]
    public void PackedTrainingBatchesAreFlattenedAndValidationIsNot()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("d.jsonl", string.Concat(Enumerable.Range(1, 30).Select(i => $"{{\"text\": \"{new string('t', i % 7)}\"}}\n")));
        var options = new TrainingDataOptions { Train = [new(path)], Validation = [new(path)], MaxLength = 12, Packing = Packing.BestFit, BatchSize = 2 };
        TrainingData data = TrainingData.Load(options, new CharacterEncoder(), null);
        TrainingBatches stream = data.Batches();
        int tokens = 0;
        for (int i = 0; i < stream.BatchesPerEpoch; i++)
        {
            Batch batch = stream.Next();
            tokens += batch.Tokens;
            Assert.That((batch.Rows, batch.CuSeqLens![^1], batch.EndsEpoch), Is.EqualTo((1, batch.Columns, i == stream.BatchesPerEpoch - 1)));
        }

        Assert.That(tokens, Is.EqualTo(Enumerable.Range(1, 30).Sum(i => (i % 7) + 2)));
        Assert.That(data.Validation!.Batches(2).First().CuSeqLens, Is.Null);
    }
}
