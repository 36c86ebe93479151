using System.Text;
using KernelTune.Checkpoints;
using KernelTune.Data.Pictures;

namespace KernelTune.Data.Tests.Pictures;

public sealed class PreprocessorConfigTests
{
    [Test]
    public void A_file_of_resnet_is_read_and_written_back()
    {
        PictureProcessorSettings settings = Read("""{"crop_pct": 0.875, "do_normalize": true, "do_resize": true, "feature_extractor_type": "ConvNextFeatureExtractor", "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "resample": 3, "size": 224}""");
        Assert.That((settings.ProcessorType, settings.ShortestEdge, settings.CropPct, settings.Resample, settings.FixedSize), Is.EqualTo(("ConvNextImageProcessor", 224, 0.875, ResampleFilter.Bicubic, (224, 224))));
        Assert.That(settings.Mean, Is.EqualTo(new[] { 0.485, 0.456, 0.406 }));
        PictureProcessorSettings again = Read(PreprocessorConfig.ToJson(settings).ToJsonString());
        Assert.That(again with { Mean = settings.Mean, Std = settings.Std }, Is.EqualTo(settings));
        Assert.That(again.Mean, Is.EqualTo(settings.Mean));
    }

    [Test]
    public void A_number_is_both_edges_where_the_class_says_so()
    {
        Assert.That(Read("""{"image_processor_type": "ViTImageProcessorFast", "size": 30}""").FixedSize, Is.EqualTo((30, 30)));
        PictureProcessorSettings clip = Read("""{"image_processor_type": "CLIPImageProcessor", "size": 30, "crop_size": 24}""");
        Assert.That((clip.ShortestEdge, clip.DoCenterCrop, clip.FixedSize), Is.EqualTo((30, true, (24, 24))));
    }

    // The class attributes of Transformers 5's Pillow processors.
    [TestCase("ViT", null, 224, ResampleFilter.Bilinear, null, false, 0.5, 0.5)]
    [TestCase("DeiT", null, 256, ResampleFilter.Bicubic, 224, false, 0.5, 0.5)]
    [TestCase("Beit", null, 224, ResampleFilter.Bicubic, null, false, 0.5, 0.5)]
    [TestCase("Pvt", null, 224, ResampleFilter.Bicubic, null, false, 0.485, 0.229)]
    [TestCase("Siglip", null, 224, ResampleFilter.Bicubic, null, true, 0.5, 0.5)]
    [TestCase("EfficientNet", null, 346, ResampleFilter.Bicubic, null, false, 0.5, 0.5)]
    [TestCase("ConvNext", 384, null, ResampleFilter.Bicubic, null, false, 0.5, 0.5)]
    [TestCase("CLIP", 224, null, ResampleFilter.Bicubic, 224, true, 0.48145466, 0.26862954)]
    [TestCase("Bit", 224, null, ResampleFilter.Bicubic, 224, true, 0.48145466, 0.26862954)]
    [TestCase("MobileNetV1", 256, null, ResampleFilter.Bilinear, 224, false, 0.5, 0.5)]
    [TestCase("MobileNetV2", 256, null, ResampleFilter.Bilinear, 224, false, 0.5, 0.5)]
    public void Where_nothing_is_said_the_class_decides(string type, int? edge, int? square, ResampleFilter resample, int? crop, bool rgb, double mean, double std)
    {
        PictureProcessorSettings s = Read($$"""{"image_processor_type": "{{type}}ImageProcessor", "size": null, "do_resize": null, "image_mean": null}""");
        Assert.That((s.DoResize, s.ShortestEdge, s.Height, s.Width, s.Resample), Is.EqualTo((true, edge, square, square, resample)));
        Assert.That((s.DoCenterCrop, s.CropHeight, s.CropWidth, s.DoConvertRgb), Is.EqualTo((crop is not null, crop, crop, rgb)));
        Assert.That((s.DoRescale, s.RescaleFactor, s.DoNormalize, s.Mean[0], s.Std[0], s.Mean.Count, s.Std.Count), Is.EqualTo((true, 1 / 255.0, true, mean, std, 3, 3)));
    }

    [TestCase("""{"size": [20, 30]}""", 20, 30)]
    [TestCase("""{"size": {"height": 20, "width": 30, "shortest_edge": null}}""", 20, 30)]
    [TestCase("""{"size": 20.0}""", 20, 20)]
    [TestCase("""{"size": 20, "do_center_crop": true, "crop_size": 8}""", 8, 8)]
    [TestCase("""{"size": 20, "do_center_crop": true, "crop_size": {"height": 8, "width": 9}}""", 8, 9)]
    [TestCase("""{"do_resize": false, "size": "ignored", "do_center_crop": true, "crop_size": [8, 9]}""", 8, 9)]
    public void Sizes_have_every_form_of_Transformers(string json, int height, int width) => Assert.That(Read(json).FixedSize, Is.EqualTo((height, width)));

    [Test]
    public void A_number_is_the_shorter_edge_of_siglip_and_convnext_as_default_to_square_has_it()
    {
        Assert.That(Read("""{"image_processor_type": "SiglipImageProcessor", "size": 30}""").ShortestEdge, Is.EqualTo(30));
        Assert.That(Read("""{"image_processor_type": "ConvNextImageProcessor", "size": 30}""").ShortestEdge, Is.EqualTo(30));
        Assert.That(Read("""{"image_processor_type": "PvtImageProcessor", "size": 30}""").Height, Is.EqualTo(30));
    }

    [Test]
    public void Every_code_of_Pillow_is_a_filter([Range(0, 5)] int code) => Assert.That((int)Read($$"""{"resample": {{code}}}""").Resample, Is.EqualTo(code));

    [TestCase("""{"size": {"longest_edge": 30}}""", "key 'size.longest_edge': not supported, shortest_edge or height and width wanted")]
    [TestCase("""{"size": {"height": 30}}""", "key 'size.width': absent, an integer wanted")]
    [TestCase("""{"size": {}}""", "key 'size.height': absent, an integer wanted")]
    [TestCase("""{"size": {"height": 30, "width": 30, "shortest_edge": 30}}""", "key 'size': both shortest_edge and a height or width were found, one of them wanted")]
    [TestCase("""{"size": [1, 2, 3]}""", "key 'size': 3 numbers were found, a height and a width wanted")]
    [TestCase("""{"size": "224"}""", "key 'size': '224' was found, an object wanted")]
    [TestCase("""{"size": {"shortest_edge": "224"}}""", "key 'size.shortest_edge': '224' was found, an integer wanted")]
    [TestCase("""{"size": {"height": 65536, "width": 65536}}""", "key 'size': 65536 × 65536 was found, at most 89478485 pixels wanted")]
    [TestCase("""{"size": 2147483648}""", "key 'size': '2147483648' was found, an integer wanted")]
    [TestCase("""{"do_center_crop": true}""", "key 'crop_size': absent, a size wanted beside do_center_crop")]
    [TestCase("""{"do_center_crop": true, "crop_size": {"shortest_edge": 8}}""", "key 'crop_size': shortest_edge was found, a number or a height and a width wanted")]
    [TestCase("""{"do_center_crop": true, "crop_size": 60000}""", "key 'crop_size': 60000 × 60000 was found, at most 89478485 pixels wanted")]
    [TestCase("""{"do_resize": "yes"}""", "key 'do_resize': 'yes' was found, true or false wanted")]
    [TestCase("""{"rescale_factor": "1/255"}""", "key 'rescale_factor': '1/255' was found, a finite number wanted")]
    [TestCase("""{"resample": 9}""", "key 'resample': 9 was found, 0 to 5 wanted")]
    [TestCase("""{"resample": "bilinear"}""", "key 'resample': 'bilinear' was found, an integer wanted")]
    [TestCase("""{"image_mean": []}""", "key 'image_mean': 0 numbers were found, one a channel wanted")]
    [TestCase("""{"image_mean": ["a"]}""", "key 'image_mean': 'a' was found, finite numbers wanted")]
    [TestCase("""{"image_std": [1, 0, 1]}""", "key 'image_std': [1, 0, 1] was found, numbers that are not 0 wanted")]
    [TestCase("""{"size": 8, "image_processor_type": "LevitImageProcessor"}""", "key 'image_processor_type': 'LevitImageProcessor' is not known; known are ViTImageProcessor")]
    [TestCase("""{"size": 8, "crop_pct": 0.9}""", "key 'crop_pct': not supported for ViTImageProcessor")]
    [TestCase("""{"size": {"height": 8, "width": 8}, "image_processor_type": "ConvNextImageProcessor"}""", "key 'size': a height and a width were found, shortest_edge wanted beside crop_pct")]
    [TestCase("""{"size": 0}""", "key 'size': 0 was found, 1 to 65536 wanted")]
    [TestCase("""{"size": 8, "do_flip_channel_order": true}""", "key 'do_flip_channel_order': not supported for pictures that are classified")]
    public void What_cannot_be_done_is_refused_by_its_file_and_key(string json, string message) =>
        Assert.That(Assert.Throws<CheckpointException>(() => Read(json))!.Message.Replace('"', '\''), Does.StartWith("preprocessor_config.json: " + message));

    [TestCase(3, "[0.5, 0.5]", "[1]", "key 'image_mean': [0.5, 0.5] was found, one number or 3 wanted: the model's pictures have 3 channels")]
    [TestCase(3, "0.5", "[1, 2]", "key 'image_std': [1, 2] was found, one number or 3 wanted: the model's pictures have 3 channels")]
    [TestCase(1, "[0.1, 0.2, 0.3]", "[1]", "key 'image_mean': [0.1, 0.2, 0.3] was found, one number or 1 wanted: the model's pictures have 1 channel")]
    [TestCase(3, "[0.5]", "0.25", null)]
    [TestCase(3, "[0.1, 0.2, 0.3]", "2", null)]
    [TestCase(1, "[0.5, 0.5, 0.5]", "[0.25, 0.25, 0.25]", null)]
    public void Means_and_deviations_are_one_or_one_a_channel(int channels, string mean, string std, string? message)
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("preprocessor_config.json", $$"""{"image_mean": {{mean}}, "image_std": {{std}}}""");
        if (message is null)
            Assert.That(PreprocessorConfig.Processor(file, channels).Channels, Is.EqualTo(channels));
        else
            Assert.That(Assert.Throws<CheckpointException>(() => PreprocessorConfig.Processor(file, channels))!.Message.Replace('"', '\''), Is.EqualTo($"{file}: {message}"));
    }

    [Test]
    public void Values_are_rescaled_and_normalised_by_channel()
    {
        var processor = new PictureProcessor(new PictureProcessorSettings { DoResize = false, Mean = [0.5, 0.25, 0], Std = [0.5, 0.25, 1] });
        var values = new float[6];
        processor.Normalize(new Picture(2, 1, 3, [0, 0, 0, 255, 255, 255]), values);
        Assert.That(values, Is.EqualTo(new float[] { -1, 1, -1, 3, 0, 1 }));
    }

    private static PictureProcessorSettings Read(string json) => PreprocessorConfig.From(JsonSettings.Parse("preprocessor_config.json", Encoding.UTF8.GetBytes(json)));
}
