using KernelTune.Data.Pictures;

namespace KernelTune.Data.Tests.Pictures;

/// <summary>Folders of classes, and the batches made of them.</summary>
public sealed class PictureFolderTests
{
    private static readonly PictureProcessor AsIs = new(new PictureProcessorSettings { DoResize = false, DoRescale = false, DoNormalize = false }, channels: 1);

    [Test]
    public void Classes_are_numbered_in_ordinal_order_or_as_they_are_listed()
    {
        using var folder = new TemporaryFolder();
        string root = Drawn.Classes(folder, "train", 2, "b", "a", "C");
        File.WriteAllText(Path.Combine(root, "a", "notes.txt"), "");
        PictureFolder all = PictureFolder.List(root);
        Assert.That(all.Classes, Is.EqualTo(new[] { "C", "a", "b" }));
        Assert.That(all.Items.Select(i => i.Label), Is.EqualTo(new[] { 0, 0, 1, 1, 2, 2 }));
        Assert.That(all.OtherFiles, Is.EqualTo(1));
        PictureFolder two = PictureFolder.List(root, ["b", "a"]);
        Assert.That(two.Items.Select(i => (Path.GetFileName(Path.GetDirectoryName(i.Path)), i.Label)), Is.EqualTo(new[] { ("b", 0), ("b", 0), ("a", 1), ("a", 1) }));
    }

    [Test]
    public void A_class_that_is_not_there_lists_those_that_are()
    {
        using var folder = new TemporaryFolder();
        string root = Drawn.Classes(folder, "train", 1, "a", "b");
        Directory.CreateDirectory(Path.Combine(root, "empty"));
        Assert.That(() => PictureFolder.List(root, ["a", "d"]), Throws.TypeOf<DataException>().With.Message.EqualTo($"{root}: no folder of the class d; there are a, b, empty"));
        Assert.That(() => PictureFolder.List(root, ["a", "a"]), Throws.TypeOf<DataException>().With.Message.EqualTo($"{root}: the class a is listed twice"));
        Assert.That(() => PictureFolder.List(root), Throws.TypeOf<DataException>().With.Message.StartsWith(Path.Combine(root, "empty") + ": no pictures were found"));
        Assert.That(() => PictureFolder.List(Path.Combine(root, "none")), Throws.TypeOf<DataException>().With.Message.EndsWith(": no such folder"));
    }

    [Test]
    public void A_bad_picture_is_an_error_or_is_counted()
    {
        using var folder = new TemporaryFolder();
        string root = Drawn.Classes(folder, "train", 3, "a", "b"), bad = Path.Combine(root, "b", "001.png");
        File.WriteAllBytes(bad, [1, 2, 3]);
        Assert.That(() => PictureSet.Load(PictureFolder.List(root), AsIs), Throws.TypeOf<DataException>().With.Message.StartsWith(bad + ": "));
        PictureSet set = PictureSet.Load(PictureFolder.List(root), AsIs, skipBad: true);
        Assert.That(set.Count, Is.EqualTo(5));
        Assert.That(set.Accounts[0].ByClass, Is.EqualTo(new[] { 3, 2 }));
        Assert.That(set.Accounts[0].SkippedMessages[0], Does.StartWith(bad));
        Assert.That(PictureTrainingData.NotesOf(set), Is.EqualTo(new[] { $"{root}: 1 pictures were left out because they cannot be read, the first: {set.Accounts[0].SkippedMessages[0]}" }));
    }

    [Test]
    public void Pictures_of_several_sizes_name_both()
    {
        using var folder = new TemporaryFolder();
        string root = Drawn.Classes(folder, "train", 1, "a");
        string other = Path.Combine(root, "a", "zz.png");
        File.WriteAllBytes(other, Drawn.Encoded(Drawn.Noise(9, 8, 1)));
        Assert.That(() => PictureSet.Load(PictureFolder.List(root), AsIs), Throws.TypeOf<DataException>().With.Message.Contains($"{other}: 8 × 9 came of it and 8 × 8 of "));
    }

    [Test]
    public void A_stream_that_is_restored_goes_on_with_the_same_batches()
    {
        using var folder = new TemporaryFolder();
        PictureTrainingData data = PictureTrainingData.Load(
            new PictureDataOptions { Train = Drawn.Classes(folder, "train", 5, "a", "b"), BatchSize = 4, Seed = 3, Augmentation = new() { CropPadding = 2, HorizontalFlip = true } }, AsIs);
        PictureBatches one = data.Batches();
        Assert.That(one.BatchesPerEpoch, Is.EqualTo(3));
        for (int i = 0; i < 4; i++) one.Next();
        PictureBatches other = data.Batches();
        other.Restore(one.State);
        for (int i = 0; i < 5; i++)
        {
            PictureBatch a = one.Next(), b = other.Next();
            Assert.That(b.Pixels, Is.EqualTo(a.Pixels));
            Assert.That(b.Labels, Is.EqualTo(a.Labels));
        }

        Assert.That(() => other.Restore(new BatchState(0, 3)), Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("epoch 0, example 3 was found; an example below 10 that begins a batch of 4 wanted"));
    }

    [Test]
    public void Each_epoch_holds_every_picture_once_and_changes_it_anew()
    {
        using var folder = new TemporaryFolder();
        string root = Drawn.Classes(folder, "train", 4, "a", "b");
        PictureTrainingData plain = PictureTrainingData.Load(new PictureDataOptions { Train = root, BatchSize = 8, Seed = 5 }, AsIs);
        PictureBatches stream = plain.Batches();
        PictureBatch first = stream.Next(), second = stream.Next();
        Assert.That((first.EndsEpoch, first.Items, first.LabelCount), Is.EqualTo((true, 8, 8)));
        Assert.That(first.Labels, Is.EqualTo(SeededOrder.Permutation(8, 5, 0).Select(i => i / 4)));
        Assert.That(second.Labels, Is.EqualTo(SeededOrder.Permutation(8, 5, 1).Select(i => i / 4)));
        Assert.That(first.Pixels[..64], Is.EqualTo(plain.Train[SeededOrder.Permutation(8, 5, 0)[0]].Pixels.Select(v => (float)v)));
        Assert.That(Sorted(first), Is.EqualTo(Sorted(second)));

        PictureTrainingData changed = PictureTrainingData.Load(new PictureDataOptions { Train = root, BatchSize = 8, Shuffle = false, Augmentation = new() { CropPadding = 1, HorizontalFlip = true } }, AsIs);
        PictureBatches changes = changed.Batches();
        PictureBatch before = changes.Next(), after = changes.Next();
        Assert.That(after.Pixels, Is.Not.EqualTo(before.Pixels));
        for (int picture = 0; picture < 8; picture++)
        {
            PictureAugmentation.Draw draw = new PictureAugmentation { CropPadding = 1, HorizontalFlip = true }.DrawFor(seed: 0, epoch: 1, picture);
            Picture wanted = Cropping.Crop(changed.Train[picture], draw.Top, draw.Left, 8, 8);
            Assert.That(after.Pixels.Chunk(64).ElementAt(picture), Is.EqualTo((draw.Flips ? Turning.FlipHorizontal(wanted) : wanted).Pixels.Select(v => (float)v)), $"picture {picture}");
        }

        Assert.That(changed.Fingerprint, Is.EqualTo(plain.Fingerprint));

        static string[] Sorted(PictureBatch batch) => [.. batch.Pixels.Chunk(64).Select(p => string.Join(' ', p)).Order(StringComparer.Ordinal)];
    }

    [Test]
    public void A_change_is_a_crop_of_the_padded_picture_mirrored_or_not()
    {
        var augmentation = new PictureAugmentation { CropPadding = 2, HorizontalFlip = true };
        Picture source = Drawn.Noise(6, 5, 3);
        int mirrored = 0;
        for (int picture = 0; picture < 200; picture++)
        {
            PictureAugmentation.Draw draw = augmentation.DrawFor(seed: 9, epoch: 2, picture);
            Assert.That(draw.Top, Is.InRange(-2, 2));
            Assert.That(draw.Left, Is.InRange(-2, 2));
            mirrored += draw.Flips ? 1 : 0;
            byte[] result = new byte[source.Pixels.Length];
            PictureAugmentation.Apply(source, draw, result);
            Picture wanted = Cropping.Crop(source, draw.Top, draw.Left, 5, 6);
            Assert.That(result, Is.EqualTo((draw.Flips ? Turning.FlipHorizontal(wanted) : wanted).Pixels));
        }

        Assert.That(mirrored, Is.InRange(70, 130));
    }

    [Test]
    public void A_share_is_held_out_by_the_seed_and_a_folder_must_have_the_classes()
    {
        using var folder = new TemporaryFolder();
        string root = Drawn.Classes(folder, "train", 10, "a", "b"), other = Drawn.Classes(folder, "other", 2, "a");
        PictureTrainingData data = PictureTrainingData.Load(new PictureDataOptions { Train = root, ValidationShare = 0.25, Seed = 1 }, AsIs);
        Assert.That((data.Count, data.Validation!.Count), Is.EqualTo((15, 5)));
        string[] files = [.. PictureFolder.List(root).Items.Select(i => i.Path)], held = [.. Enumerable.Range(0, 5).Select(data.Validation.Set.Path)], kept = [.. Enumerable.Range(0, 15).Select(data.Train.Path)];
        Assert.That(held, Is.EqualTo(SeededOrder.HeldOut(20, 0.25, 1).Select(i => files[i])));
        Assert.That(held.Concat(kept), Is.EquivalentTo(files));
        Assert.That(data.Contents, Is.EqualTo($"a {kept.Count(f => f.Contains("/a/", StringComparison.Ordinal))}, b {kept.Count(f => f.Contains("/b/", StringComparison.Ordinal))}"));
        Assert.That(data.Validation.Batches(2).Select(b => b.Rows), Is.EqualTo(new[] { 2, 2, 1 }));
        Assert.That(() => PictureTrainingData.Load(new PictureDataOptions { Train = root, Validation = other }, AsIs),
            Throws.TypeOf<DataException>().With.Message.EqualTo($"{other}: no folder of the class b; there are a"));
    }

    [TestCase("a sample")]
    [TestCase("one more")]
    [TestCase("one less")]
    [TestCase("another name, the same order")]
    [TestCase("another class")]
    [TestCase("the classes' order")]
    [TestCase("other classes' names")]
    [TestCase("the normalisation")]
    [TestCase("a picture that is held out")]
    public void A_fingerprint_changes_with(string change)
    {
        using var folder = new TemporaryFolder();
        string root = Drawn.Classes(folder, "train", 4, "a", "b"), last = Path.Combine(root, "b", "003.png");
        var options = new PictureDataOptions { Train = root, ValidationShare = 0.25, Seed = 1 };
        PictureTrainingData data = PictureTrainingData.Load(options, AsIs);
        string before = data.Fingerprint;
        Assert.That(PictureTrainingData.Load(options, AsIs).Fingerprint, Is.EqualTo(before));
        PictureProcessor processor = AsIs;
        switch (change)
        {
            case "a sample":
                Picture one = Drawn.Noise(8, 8, 1, 1003);
                one.Pixels[17] ^= 1;
                File.WriteAllBytes(last, Drawn.Encoded(one));
                break;
            case "one more": File.Copy(last, Path.Combine(root, "b", "004.png")); break;
            case "one less": File.Delete(last); break;
            case "another name, the same order": File.Move(last, Path.Combine(root, "b", "0031.png")); break;
            case "another class": File.Move(last, Path.Combine(root, "a", "004.png")); break;
            case "the classes' order": options = options with { Classes = ["b", "a"] }; break;
            case "other classes' names": Directory.Move(Path.Combine(root, "b"), Path.Combine(root, "c")); break;
            case "the normalisation": processor = new PictureProcessor(AsIs.Settings with { DoNormalize = true, Mean = [3], Std = [1] }, channels: 1); break;
            default: File.WriteAllBytes(data.Validation!.Set.Path(0), Drawn.Encoded(Drawn.Noise(8, 8, 1, 77))); break;
        }

        Assert.That(PictureTrainingData.Load(options, processor).Fingerprint, Is.Not.EqualTo(before));
    }

    [Test]
    public void A_folder_that_was_moved_has_the_fingerprint_that_it_had()
    {
        using var folder = new TemporaryFolder();
        string root = Drawn.Classes(folder, "train", 3, "a", "b"), moved = Path.Combine(folder.Path, "elsewhere");
        string before = PictureSet.Load(PictureFolder.List(root), AsIs).Fingerprint();
        Directory.Move(root, moved);
        Assert.That(PictureSet.Load(PictureFolder.List(moved + "/"), AsIs).Fingerprint(), Is.EqualTo(before));
    }

    [Test]
    public void Pictures_that_are_not_kept_are_decoded_again()
    {
        using var folder = new TemporaryFolder();
        string root = Drawn.Classes(folder, "train", 2, "a");
        PictureSet kept = PictureSet.Load(PictureFolder.List(root), AsIs), lazy = PictureSet.Load(PictureFolder.List(root), AsIs, mostKept: 0);
        Assert.That(lazy.Fingerprint(), Is.EqualTo(kept.Fingerprint()));
        Assert.That(lazy[0].Pixels, Is.EqualTo(kept[0].Pixels).And.EqualTo(Drawn.Noise(8, 8, 1, 0).Pixels));
        Picture once = lazy[0], again = lazy[0];
        Assert.That(again, Is.Not.SameAs(once), "decoded each time");
        File.WriteAllBytes(lazy.Path(1), Drawn.Encoded(Drawn.Noise(9, 8, 1)));
        Assert.That(() => lazy[1], Throws.TypeOf<DataException>().With.Message.Contains("8 × 9 came of it, and 8 × 8 before: the file was changed"));
    }
}
