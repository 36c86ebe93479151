using KernelTune.Data.Pictures;
using KernelTune.Data.Tests.Pictures;

namespace KernelTune.Data.Tests.Batching;

/// <summary>The order of examples, which rows and pictures share.</summary>
public sealed class EpochCursorTests
{
    [TestCase(null)]
    [TestCase(5L)]
    public void Each_epoch_gives_every_example_once_in_the_order_of_its_seed(long? seed)
    {
        var cursor = new EpochCursor(10, 4, seed);
        Assert.That(cursor.BatchesPerEpoch, Is.EqualTo(3));
        for (int epoch = 0; epoch < 3; epoch++)
        {
            var given = new List<int>();
            for (int batch = 0; batch < 3; batch++)
            {
                Assert.That(cursor.State, Is.EqualTo(new BatchState(epoch, batch * 4)));
                given.AddRange(cursor.Next(out bool isLast));
                Assert.That(isLast, Is.EqualTo(batch == 2));
            }

            Assert.That(given, Is.EqualTo(seed is { } s ? SeededOrder.Permutation(10, s, epoch) : Enumerable.Range(0, 10)));
        }
    }

    [Test]
    public void A_batch_larger_than_all_examples_is_all_of_them()
    {
        var cursor = new EpochCursor(3, int.MaxValue, null);
        Assert.That(cursor.BatchesPerEpoch, Is.EqualTo(1));
        Assert.That(cursor.Next(out bool isLast).ToArray(), Is.EqualTo(new[] { 0, 1, 2 }));
        Assert.That((isLast, cursor.State), Is.EqualTo((true, new BatchState(1, 0))));
    }

    [TestCase(-1, 0)]
    [TestCase(0, -4)]
    [TestCase(0, 2)]
    [TestCase(0, 12)]
    public void A_state_of_another_stream_is_refused_and_changes_nothing(long epoch, long position)
    {
        var cursor = new EpochCursor(10, 4, 1);
        _ = cursor.Next(out _);
        Assert.That(() => cursor.Restore(new BatchState(epoch, position)), Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.StartsWith(
            $"epoch {epoch}, example {position} was found; an example below 10 that begins a batch of 4 wanted"));
        Assert.That(cursor.State, Is.EqualTo(new BatchState(0, 4)));
    }

    [Test]
    public void Rows_and_pictures_of_one_seed_have_one_order()
    {
        using var folder = new TemporaryFolder();
        PictureSet set = PictureSet.Load(PictureFolder.List(Drawn.Classes(folder, "train", 1, [.. "abcdefgh".Select(c => $"{c}")])), new PictureProcessor(new PictureProcessorSettings { DoResize = false }, channels: 1));
        var pictures = new PictureBatches(set, 3, 11, shuffles: true, augmentation: null);
        TokenRow[] examples = [.. Enumerable.Range(0, 8).Select(i => new TokenRow(i, [i, i], [i, i]))];
        var rows = new TrainingBatches(examples, new SftCollator { PadTokenId = 0 }, 3, 11);
        for (int batch = 0; batch < 7; batch++)
        {
            int[] labels = pictures.Next().Labels;
            Batch tokens = rows.Next();
            Assert.That(labels, Is.EqualTo(Enumerable.Range(0, tokens.Rows).Select(r => tokens.InputIds[r * tokens.Columns])), $"batch {batch}");
        }
    }
}
