using System.Text;

namespace KernelTune.Data.Tests.Batching;

/// <summary>Rows that do not fit in memory: the same rows, the same batches, the same after a resume.</summary>
public class RowStoreTests
{
    private static TokenRow Row(int i) => new(i, [.. Enumerable.Range(i, i % 17)], [.. Enumerable.Repeat(-100, i % 17)], i % 3 == 0 ? [i % 17] : null) { Source = i % 5 == 0 ? [.. Enumerable.Range(7, i % 4)] : null };

    [TestCase(0)]
    [TestCase(5000)]
    [TestCase(long.MaxValue)]
    public void RowsComeBackAsTheyWentInAnyOrder(long memory)
    {
        const int Count = 30_000;       // 2.4 MB: more than twice the write buffer
        var store = new RowStore(memory);
        for (int i = 0; i < Count; i++) store.Add(Row(i));
        Assert.That(store, Has.Count.EqualTo(Count));
        Assert.That(store.Spilled, memory == long.MaxValue ? Is.Zero : Is.GreaterThan(2_000_000));
        foreach (int i in SeededOrder.Permutation(Count, 1, 0))
        {
            (TokenRow ours, TokenRow wanted) = (store[i], Row(i));
            if (ours.Line != wanted.Line || !ours.Ids.SequenceEqual(wanted.Ids) || !ours.Labels.SequenceEqual(wanted.Labels) || !(ours.SequenceLengths ?? [-1]).SequenceEqual(wanted.SequenceLengths ?? [-1])
                || !(ours.Source ?? [-1]).SequenceEqual(wanted.Source ?? [-1]))
                Assert.Fail($"row {i} differs");
        }

        Assert.That(() => store[Count], Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void DataBeyondMemoryTakesLittleOfIt()
    {
        using var folder = new TemporaryFolder();
        const int Rows = 60_000, Length = 200;
        string path = Path.Combine(folder.Path, "d.txt");
        using (var file = new StreamWriter(path))
            for (int i = 0; i < Rows; i++) file.Write($"{i} {new string((char)('a' + (i % 26)), Length)}\n");
        long before = GC.GetTotalMemory(true);
        TrainingData data = TrainingData.Load(new TrainingDataOptions { Train = [new(path)], ValidationShare = 0.01, RowMemory = 0, BatchSize = 8 }, new CharacterEncoder(), null);
        TrainingBatches batches = data.Batches();
        for (int i = 0; i < 100; i++) batches.Next();
        long held = GC.GetTotalMemory(true) - before;
        Assert.That(data.Train.Count + data.Validation!.Rows.Count, Is.EqualTo(Rows));
        Assert.That(held, Is.LessThan(Rows * Length * 8L / 8));        // an eighth of the tokens and labels, which would be 96 MB
        GC.KeepAlive(data);
    }

    [Test]
    public void NothingIsLeftInTheTemporaryFolder()
    {
        var store = new RowStore(0);
        store.Add(Row(5));
        Assert.That(store[0].Ids, Is.EqualTo(Row(5).Ids));
        if (!OperatingSystem.IsWindows()) Assert.That(Directory.EnumerateFiles(Path.GetTempPath(), "kerneltune-rows-*").Where(f => new FileInfo(f).CreationTimeUtc > DateTime.UtcNow.AddMinutes(-1)), Is.Empty);
    }

    [Test]
    public void ARunOnDiskIsTheRunInMemory([Values(Packing.None, Packing.BestFit, Packing.Wrapped)] Packing packing, [Values] bool share)
    {
        using var folder = new TemporaryFolder();
        var text = new StringBuilder();
        for (int i = 0; i < 3000; i++) text.Append($"{{\"text\": \"{new string((char)('a' + (i % 26)), i % 50)}\"}}\n");
        string path = folder.Write("d.jsonl", text.ToString());
        var options = new TrainingDataOptions { Train = [new(path, 1.5)], ValidationShare = share ? 0.1 : null, MaxLength = 64, Packing = packing, Seed = 3, BatchSize = 4 };
        TrainingData inMemory = TrainingData.Load(options, new CharacterEncoder(), null), onDisk = TrainingData.Load(options with { RowMemory = 0 }, new CharacterEncoder(), null);
        Assert.That(onDisk.Fingerprint, Is.EqualTo(inMemory.Fingerprint));
        Assert.That(onDisk.Batches().Largest().InputIds, Is.EqualTo(inMemory.Batches().Largest().InputIds));
        TrainingBatches a = inMemory.Batches(), b = onDisk.Batches();
        for (int i = 0; i < 40; i++) Assert.That(b.Next().InputIds, Is.EqualTo(a.Next().InputIds));
        TrainingBatches resumed = onDisk.Batches();
        resumed.Restore(b.State);
        for (int i = 0; i < 5; i++) Assert.That(resumed.Next().InputIds, Is.EqualTo(a.Next().InputIds));
        if (share) Assert.That(onDisk.Validation!.Batches(4).Select(v => v.InputIds), Is.EqualTo(inMemory.Validation!.Batches(4).Select(v => v.InputIds)));
    }
}
