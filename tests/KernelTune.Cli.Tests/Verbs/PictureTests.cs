using System.Text.Json.Nodes;
using SkiaSharp;

namespace KernelTune.Cli.Tests.Verbs;

/// <summary>A classifier of pictures from the command line: trained, then judged.</summary>
public sealed class PictureTests
{
    [Test]
    public void A_classifier_is_trained_and_judged_on_a_folder()
    {
        using var work = new Workplace();
        foreach (string set in (string[])["train", "test"])
            foreach (string kind in (string[])["dark", "light"])
                for (int i = 0; i < 6; i++) Draw(work[$"{set}/{kind}/{i}.png"], (byte)((kind == "dark" ? 20 : 180) + (7 * i)));
        work.Write("resnet/config.json", """{"architectures":["ResNetForImageClassification"],"model_type":"resnet","embedding_size":8,"hidden_sizes":[8],"depths":[1],"layer_type":"basic"}""");
        work.Write("resnet/preprocessor_config.json", """{"image_processor_type":"ViTImageProcessor","size":{"height":8,"width":8}}""");
        work.Write("pictures.yaml",
            "model: resnet", "init: random", "task: image-classification", "method: full", "data: { train: train, validation: test }", "optimizer: { learning_rate: 1e-2 }",
            "training: { max_steps: 8, batch_size: 6, gradient_accumulation_steps: 1 }", "device: cpu", "output: run");

        CommandLine run = work.Train("pictures.yaml");
        Assert.That(run.Code, Is.Zero, run.Error);
        Assert.That(run.Error, Does.Contain("12 pictures (dark 6, light 6), 2 steps an epoch, 8 steps in all; 12 pictures to validate on").And.Contain("pictures/s").And.Match(@"after step 8: validation loss [\d.]+, accuracy [\d.]+"));

        CommandLine judged = CommandLine.Run("evaluate", work["run/final"], "--data", work["test"], "--json", "--threads", "1");
        Assert.That(judged.Code, Is.Zero, judged.Error);
        Assert.That((int)judged.Json["base"]!["pictures"]!, Is.EqualTo(12));
        string last = File.ReadLines(work["run/metrics.jsonl"]).Last(l => l.Contains("eval_accuracy", StringComparison.Ordinal));
        Assert.That((double)judged.Json["base"]!["accuracy"]!, Is.EqualTo((double)JsonNode.Parse(last)!["eval_accuracy"]!));

        File.WriteAllText(work["test/dark/0.png"], "no picture");
        CommandLine refused = CommandLine.Run("evaluate", work["run/final"], "--data", work["test"], "--threads", "1");
        Assert.That(refused.Code, Is.EqualTo(3));
        Assert.That(refused.Error, Does.StartWith($"error: {work["test/dark/0.png"]}: neither PNG, JPEG, WebP, GIF nor BMP was found"));
        CommandLine skipped = CommandLine.Run("evaluate", work["run/final"], "--data", work["test"], "--threads", "1", "--skip-bad", "--json");
        Assert.That((int)skipped.Json["base"]!["pictures"]!, Is.EqualTo(11));
    }

    private static void Draw(string file, byte level)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        byte[] pixels = new byte[64];
        Array.Fill(pixels, level);
        using SKImage image = SKImage.FromPixelCopy(new SKImageInfo(8, 8, SKColorType.Gray8, SKAlphaType.Opaque), pixels);
        using SKData data = image.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(file, data.ToArray());
    }
}
