using KernelTune.Data.Pictures;

namespace KernelTune.Data.Tests.Pictures;

/// <summary>What resizing must satisfy whatever the picture; that it equals Pillow's, the images/ goldens say.</summary>
public sealed class ResizingTests
{
    [Test]
    public void A_constant_picture_stays_constant([Values] ResampleFilter filter, [Values(1, 2, 3, 4)] int channels)
    {
        var source = new Picture(13, 9, channels);
        source.Pixels.AsSpan().Fill(200);
        if (source.HasAlpha)
            for (int i = channels - 1; i < source.Pixels.Length; i += channels) source.Pixels[i] = 255;
        Picture result = Resizing.Resize(source, 5, 30, filter);
        Assert.That((result.Width, result.Height), Is.EqualTo((5, 30)));
        for (int i = 0; i < result.Pixels.Length; i++)
            Assert.That(result.Pixels[i], Is.EqualTo(source.HasAlpha && i % channels == channels - 1 ? 255 : 200));
    }

    [Test]
    public void Half_the_size_by_box_is_the_rounded_mean_of_two_and_two()
    {
        Picture source = new(4, 2, 1, [10, 20, 0, 255, 30, 41, 255, 0]);
        Picture result = Resizing.Resize(source, 2, 1, ResampleFilter.Box);
        // Across first: 15 and 128 above (127.5 rounds up), 36 and 128 below; then 25.5 and 128.
        Assert.That(result.Pixels, Is.EqualTo(new byte[] { 26, 128 }));
        Assert.That(Reduction.Reduce(source, 2, 2).Pixels, Is.EqualTo(new byte[] { 25, 128 }));
    }

    [Test]
    public void Wide_pictures_give_what_narrow_strips_of_them_give([Values(1, 3, 4)] int channels)
    {
        // Strips narrower than any vector are summed one sample after the other.
        Picture source = Drawn.Noise(101, 23, channels);
        if (source.HasAlpha)
            for (int i = channels - 1; i < source.Pixels.Length; i += channels) source.Pixels[i] = 255;
        Picture whole = Resizing.Resize(source, 101, 9, ResampleFilter.Bicubic);
        for (int x = 0; x < 101; x++)
            Assert.That(Cropping.Crop(whole, 0, x, 9, 1).Pixels, Is.EqualTo(Resizing.Resize(Cropping.Crop(source, 0, x, 23, 1), 1, 9, ResampleFilter.Bicubic).Pixels));
    }

    [Test]
    public void A_picture_of_the_size_wanted_is_copied()
    {
        Picture source = Drawn.Noise(6, 7, 3);
        Picture result = Resizing.Resize(source, 6, 7, ResampleFilter.Lanczos);
        Assert.That(result.Pixels, Is.EqualTo(source.Pixels));
        Assert.That(result.Pixels, Is.Not.SameAs(source.Pixels));
    }

    [Test]
    public void A_box_of_whole_pixels_is_a_crop_for_nearest()
    {
        Picture source = Drawn.Noise(20, 16, 3);
        Picture result = Resizing.Resize(source, 7, 5, ResampleFilter.Nearest, new PictureBox(4, 3, 11, 8));
        Assert.That(result.Pixels, Is.EqualTo(Cropping.Crop(source, 3, 4, 5, 7).Pixels));
    }

    [TestCase(640, 480, 224, 298, 224)]
    [TestCase(480, 640, 224, 224, 298)]
    [TestCase(1000, 1, 5, 5000, 5)]
    public void The_shorter_edge_leads_and_the_other_is_truncated(int width, int height, int edge, int wantedWidth, int wantedHeight) =>
        Assert.That(Resizing.ShortestEdge(width, height, edge), Is.EqualTo((wantedWidth, wantedHeight)));

    [Test]
    public void A_box_outside_of_the_picture_is_refused() =>
        Assert.That(() => Resizing.Resize(new Picture(4, 4, 1), 2, 2, ResampleFilter.Box, new PictureBox(0, 0, 5, 4)),
            Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("one within 4 × 4 wanted"));

    [Test]
    public void Turning_four_times_or_mirroring_twice_gives_the_picture_back()
    {
        Picture source = Drawn.Noise(5, 3, 3), turned = source;
        for (int i = 0; i < 4; i++) turned = Turning.Rotate90(turned);
        Assert.That(turned.Pixels, Is.EqualTo(source.Pixels));
        Assert.That(Turning.FlipHorizontal(Turning.FlipHorizontal(source)).Pixels, Is.EqualTo(source.Pixels));
        Assert.That(Turning.Rotate270(Turning.Rotate90(source)).Pixels, Is.EqualTo(source.Pixels));
        Assert.That(Turning.Transverse(source).Pixels, Is.EqualTo(Turning.Rotate180(Turning.Transpose(source)).Pixels));
    }

    [Test]
    public void Colours_before_white_and_grey_are_rounded()
    {
        var source = new Picture(3, 1, 4, [0, 100, 255, 0, 0, 100, 255, 128, 0, 100, 255, 255]);
        Assert.That(source.ToRgbOnWhite().Pixels, Is.EqualTo(new byte[] { 255, 255, 255, 127, 177, 255, 0, 100, 255 }));
        Assert.That(source.ToRgb().Pixels[..3], Is.EqualTo(new byte[] { 0, 100, 255 }));
        Assert.That(source.ToGrey().Pixels[0], Is.EqualTo(88));
    }
}
