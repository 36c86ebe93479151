using KernelTune.Data.Pictures;
using SkiaSharp;

namespace KernelTune.Data.Tests.Pictures;

/// <summary>Files that are no picture, or no longer one: each names the file and says what was found.</summary>
public sealed class PictureFaultTests
{
    [Test]
    public void A_grey_png_comes_back_as_it_was()
    {
        using var folder = new TemporaryFolder();
        Picture drawn = Drawn.Noise(7, 5, 1);
        Picture read = PictureFile.Read(folder.Write("grey.png", Drawn.Encoded(drawn)));
        Assert.That((read.Width, read.Height, read.Channels), Is.EqualTo((7, 5, 1)));
        Assert.That(read.Pixels, Is.EqualTo(drawn.Pixels));
    }

    [Test]
    public void Colours_under_alpha_are_not_multiplied()
    {
        using var folder = new TemporaryFolder();
        Picture drawn = Drawn.Noise(6, 6, 4);
        Picture read = PictureFile.Read(folder.Write("alpha.png", Drawn.Encoded(drawn)));
        Assert.That(read.Pixels, Is.EqualTo(drawn.Pixels));
    }

    [TestCase(0, "the file is empty, a picture wanted")]
    [TestCase(20, "a header that is damaged or cut off")]
    [TestCase(120, "the PNG file is cut off: a picture of 31 × 29 pixels wanted, some rows are missing")]
    public void A_png_that_ends_early_is_refused(int bytes, string message)
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("cut.png", Drawn.Encoded(Drawn.Noise(31, 29, 3))[..bytes]);
        Assert.That(() => PictureFile.Read(file), Throws.TypeOf<DataException>().With.Message.StartsWith(file + ": ").And.Message.Contains(message));
    }

    [Test]
    public void A_flipped_bit_of_a_png_is_found_by_its_checksum()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = Drawn.Encoded(Drawn.Noise(31, 29, 3));
        bytes[bytes.Length / 2] ^= 1;
        string file = folder.Write("flipped.png", bytes);
        Assert.That(() => PictureFile.Read(file), Throws.TypeOf<DataException>().With.Message.Contains("the PNG file is damaged (ErrorInInput)"));
    }

    [Test]
    public void A_jpeg_without_its_end_is_refused_and_one_with_bytes_behind_it_is_not()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = Drawn.Encoded(Drawn.Noise(40, 40, 3), SKEncodedImageFormat.Jpeg);
        string file = folder.Write("cut.jpg", bytes[..(bytes.Length / 2)]);
        Assert.That(() => PictureFile.Read(file), Throws.TypeOf<DataException>().With.Message.EqualTo($"{file}: the JPEG file is cut off: {bytes.Length / 2} bytes were found, and no end marker among them"));
        Assert.That(PictureFile.Read(folder.Write("longer.jpg", [.. bytes, 1, 2, 3])).Width, Is.EqualTo(40));
    }

    [Test]
    public void A_picture_of_too_many_pixels_is_refused_by_its_header()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = Drawn.Encoded(Drawn.Noise(31, 29, 1));
        string file = folder.Write("large.png", bytes);
        Assert.That(() => PictureFile.Read(file, new PictureLimits { MostPixels = 898 }),
            Throws.TypeOf<DataException>().With.Message.EqualTo($"{file}: a picture of 31 × 29 pixels was found, at most 898 pixels wanted"));
        Assert.That(() => PictureFile.Read(file, new PictureLimits { MostBytes = 10 }),
            Throws.TypeOf<DataException>().With.Message.EqualTo($"{file}: {bytes.Length} bytes were found, at most 10 wanted"));
    }

    // 46341² is just beyond 31 bits, 32768² · 4 is 0 in 32, and 65536² is 0 in 32 too.
    [Test]
    public void A_bomb_costs_no_memory_whatever_its_product_is_in_32_bits([Values(32768, 46341, 65535, 65536, 99999)] int edge, [Values] bool limited)
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("bomb.png", HeaderAlone(edge, edge));
        PictureLimits limits = limited ? PictureLimits.Default : new PictureLimits { MostPixels = long.MaxValue };
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(() => PictureFile.Read(file, limits), Throws.TypeOf<DataException>().With.Message.EqualTo(
            $"{file}: a picture of {edge} × {edge} pixels was found, at most {(limited ? 89478485 : Array.MaxLength / 4)} pixels wanted"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20));
    }

    [TestCase(int.MaxValue, 1)]
    [TestCase(1, int.MaxValue)]
    [TestCase(int.MaxValue, int.MaxValue)]
    [TestCase(-1, 8)]
    public void A_header_that_no_decoder_takes_is_refused(int width, int height)
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("header.png", HeaderAlone(width, height));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(() => PictureFile.Read(file), Throws.TypeOf<DataException>().With.Message.StartsWith(file + ": "));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20));
    }

    [Test]
    public void A_long_thin_picture_that_would_be_enlarged_beyond_the_limits_is_refused_by_its_name()
    {
        // 900000 · 5000 is more than 32 bits hold: the size must not come back as a small or a negative one.
        using var folder = new TemporaryFolder();
        string root = Path.Combine(folder.Path, "train"), file = folder.Write("train/a/thin.png", Drawn.Encoded(new Picture(1, 5000, 1)));
        var processor = new PictureProcessor(new PictureProcessorSettings { ShortestEdge = 900_000 }, channels: 1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(() => PictureSet.Load(PictureFolder.List(root), processor),
            Throws.TypeOf<DataException>().With.Message.EqualTo($"{file}: a picture of 1 × 5000 pixels would be resized to 900000 × 4500000000, at most 89478485 pixels wanted"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20));
        Assert.That(() => PictureSet.Load(PictureFolder.List(root), processor, skipBad: true), Throws.TypeOf<DataException>().With.Message.Contains("all 1 pictures were skipped as bad"));
        Assert.That(() => Resizing.ShortestEdge(1, 5000, 900_000), Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Sizes_are_counted_in_64_bits_before_anything_is_allocated()
    {
        Picture small = Drawn.Noise(4, 4, 3);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(() => new Picture(32768, 32768, 4), Throws.TypeOf<ArgumentException>().With.Message.StartsWith("a picture of 32768 × 32768 pixels in 4 channels was asked for"));
        Assert.That(() => new Picture(65536, 65536, 1), Throws.TypeOf<ArgumentException>());
        Assert.That(() => Cropping.Crop(small, 0, 0, 65536, 65536), Throws.TypeOf<ArgumentException>());
        Assert.That(() => Resizing.Resize(small, 65536, 65536, ResampleFilter.Nearest), Throws.TypeOf<ArgumentException>());
        Assert.That(() => Resizing.Resize(small, int.MaxValue, 1, ResampleFilter.Lanczos), Throws.TypeOf<ArgumentException>());
        Assert.That(() => Reduction.Reduce(small, 5000, 5000), Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("blocks of 5000 × 5000 pixels"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20));
        Assert.That(Reduction.Reduce(small, 4096, 4096).Pixels, Is.EqualTo(Reduction.Reduce(small, 4, 4).Pixels));
    }

    [Test]
    public void A_batch_of_more_numbers_than_an_array_holds_is_refused()
    {
        using var folder = new TemporaryFolder();
        folder.Write("train/a/0.png", Drawn.Encoded(new Picture(4000, 4000, 1)));
        PictureSet set = PictureSet.Load(PictureFolder.List(Path.Combine(folder.Path, "train")), new PictureProcessor(new PictureProcessorSettings { DoResize = false }, channels: 1));
        PictureSet many = set.Part(new int[300]);
        Assert.That(() => new PictureBatches(many, 300, 0, false, null).Largest(), Throws.TypeOf<DataException>().With.Message.StartsWith(
            $"{set.Root}: a batch of 300 pictures of 4000 × 4000 in 1 channels has 4800000000 numbers, at most {Array.MaxLength} wanted"));
    }

    [Test]
    public void A_size_that_the_file_cannot_hold_is_refused_unread()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = HeaderAlone(9000, 9000);
        string file = folder.Write("claims.png", bytes);
        Assert.That(() => PictureFile.Read(file),
            Throws.TypeOf<DataException>().With.Message.EqualTo($"{file}: a picture of 9000 × 9000 pixels was found in {bytes.Length} bytes, which cannot hold it"));
    }

    [Test]
    public void A_plain_picture_that_packs_well_is_read()
    {
        using var folder = new TemporaryFolder();
        var plain = new Picture(3000, 2000, 1);
        Assert.That(PictureFile.Read(folder.Write("plain.png", Drawn.Encoded(plain))).Pixels, Is.EqualTo(plain.Pixels));
    }

    [Test]
    public void Damaged_bytes_give_a_picture_or_a_message([Values(SKEncodedImageFormat.Png, SKEncodedImageFormat.Jpeg, SKEncodedImageFormat.Webp)] SKEncodedImageFormat format)
    {
        byte[] whole = Drawn.Encoded(Drawn.Noise(23, 17, 3), format);
        var random = new Random(5);
        int refused = 0;
        for (int i = 0; i < 400; i++)
        {
            byte[] bytes = [.. whole[..random.Next(1, whole.Length + 1)]];
            for (int k = 0; k < i % 4; k++) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                Assert.That(PictureFile.Decode("damaged", bytes, PictureLimits.Default, out _).Pixels, Is.Not.Empty);
            }
            catch (DataException e)
            {
                Assert.That(e.Message, Does.StartWith("damaged: "));
                refused++;
            }
        }

        Assert.That(refused, Is.GreaterThan(300));
    }

    [Test]
    public void What_is_no_picture_says_so()
    {
        using var folder = new TemporaryFolder();
        string text = folder.Write("text.jpg", "This is not a picture.\n"), pointer = folder.Write("lfs.png", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
        Assert.That(() => PictureFile.Read(text), Throws.TypeOf<DataException>().With.Message.Contains("neither PNG, JPEG, WebP, GIF nor BMP was found"));
        Assert.That(() => PictureFile.Read(pointer), Throws.TypeOf<DataException>().With.Message.Contains("a Git LFS pointer was found"));
        Assert.That(() => PictureFile.Read(folder.Path), Throws.TypeOf<DataException>().With.Message.EqualTo($"{folder.Path}: a folder was found, a file wanted"));
    }

    /// <summary>A PNG whose header claims a size and whose data say nothing.</summary>
    private static byte[] HeaderAlone(int width, int height)
    {
        var png = new List<byte> { 0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A };
        byte[] header = [.. BigEndian(width), .. BigEndian(height), 8, 2, 0, 0, 0];
        Chunk("IHDR"u8, header);
        Chunk("IDAT"u8, [0x78, 0x9C, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01]);
        Chunk("IEND"u8, []);
        return [.. png];

        void Chunk(ReadOnlySpan<byte> kind, byte[] data)
        {
            byte[] body = [.. kind, .. data];
            png.AddRange(BigEndian(data.Length));
            png.AddRange(body);
            png.AddRange(BigEndian((int)Crc(body)));
        }
    }

    private static byte[] BigEndian(int value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];

    private static uint Crc(byte[] bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int k = 0; k < 8; k++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        }

        return ~crc;
    }
}
