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

    [TestCase("""{"size": {"longest_edge": 30}}""", "key 'size.longest_edge': not supported, shortest_edge or height and width wanted")]
    [TestCase("""{"size": 8, "image_processor_type": "LevitImageProcessor"}""", "key 'image_processor_type': 'LevitImageProcessor' is not known; known are ViTImageProcessor")]
    [TestCase("""{"size": 8, "crop_pct": 0.9}""", "key 'crop_pct': not supported for ViTImageProcessor")]
    [TestCase("""{"size": 0}""", "key 'size': 0 was found, 1 to 65536 wanted")]
    [TestCase("""{"size": 8, "resample": 9}""", "key 'resample': 9 was found, 0 to 5 wanted")]
    [TestCase("""{"size": 8, "do_flip_channel_order": true}""", "key 'do_flip_channel_order': not supported for pictures that are classified")]
    [TestCase("""{"size": 8, "image_std": [1, 0, 1]}""", "key 'image_std': [1, 0, 1] was found, 3 numbers that are not 0 wanted")]
    [TestCase("""{}""", "key 'size': absent, a size wanted")]
    public void What_cannot_be_done_is_refused_by_its_key(string json, string message) =>
        Assert.That(() => Read(json), Throws.TypeOf<CheckpointException>().With.Message.Contains(message.Replace('\'', '"')).Or.Message.Contains(message));

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
