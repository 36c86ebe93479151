using System.Text.Json.Nodes;
using SkiaSharp;

namespace KernelTune.Cli.Tests.Verbs;

/// <summary>A classifier of pictures from the command line: trained, then judged.</summary>
public sealed class PictureTests
{
    [Test]
    public void A_classifier_is_trained_and_judged_on_a_folder()
    {
        using Workplace work = Classifier();
        CommandLine run = work.Train("pictures.yaml");
        Assert.That(run.Code, Is.Zero, run.Error);
        Assert.That(run.Error, Does.Contain("12 pictures (dark 6, light 6), 2 steps an epoch, 8 steps in all; 12 pictures to validate on").And.Contain("pictures/s").And.Match(@"after step 8: validation loss [\d.]+, accuracy [\d.]+"));

        CommandLine judged = CommandLine.Run("evaluate", work["run/final"], "--data", work["test"], "--json", "--threads", "1");
        Assert.That(judged.Code, Is.Zero, judged.Error);
        Assert.That((int)judged.Json["base"]!["pictures"]!, Is.EqualTo(12));
        string last = File.ReadLines(work["run/metrics.jsonl"]).Last(l => l.Contains("eval_accuracy", StringComparison.Ordinal));
        Assert.That((double)judged.Json["base"]!["accuracy"]!, Is.EqualTo((double)JsonNode.Parse(last)!["eval_accuracy"]!));
        Assert.That((double)judged.Json["base"]!["loss"]!, Is.EqualTo((double)JsonNode.Parse(last)!["eval_loss"]!).Within(1e-6));
        CommandLine shown = CommandLine.Run("evaluate", work["run/final"], "--data", work["test"], "--threads", "1");
        Assert.That(shown.Out, Does.Match(string.Create(System.Globalization.CultureInfo.InvariantCulture, $@"base\s+[\d.]+\s+{(double)judged.Json["base"]!["accuracy"]!:0.0000}\s+12")));

        File.WriteAllText(work["test/dark/0.png"], "no picture");
        CommandLine refused = CommandLine.Run("evaluate", work["run/final"], "--data", work["test"], "--threads", "1");
        Assert.That(refused.Code, Is.EqualTo(3));
        Assert.That(refused.Error, Does.StartWith($"error: {work["test/dark/0.png"]}: neither PNG, JPEG, WebP, GIF nor BMP was found"));
        CommandLine skipped = CommandLine.Run("evaluate", work["run/final"], "--data", work["test"], "--threads", "1", "--skip-bad", "--json");
        Assert.That((int)skipped.Json["base"]!["pictures"]!, Is.EqualTo(11));
        Assert.That(skipped.Error, Is.EqualTo($"warning: {work["test"]}: 1 pictures were left out because they cannot be read, the first: {refused.Error["error: ".Length..]}"));
    }

    [Test]
    public void What_is_for_text_is_refused_and_not_passed_over()
    {
        using Workplace work = Classifier();
        CommandLine strict = work.Train("pictures.yaml", "--strict");
        Assert.That((strict.Code, strict.Error), Is.EqualTo((2, "error: --strict: it is for rows of text, and the recipe's task is image-classification\n")));
        CommandLine length = work.Train("pictures.yaml", "data.max_length=64");
        Assert.That((length.Code, length.Error), Is.EqualTo((2, "error: command line: data.max_length: pictures have no tokens: it is for task: causal-lm\n")));
        CommandLine loss = work.Train("pictures.yaml", "data.loss_on=all");
        Assert.That((loss.Code, loss.Error), Is.EqualTo((2, "error: command line: data.loss_on: pictures have no tokens: it is for task: causal-lm\n")));
        Assert.That(Directory.Exists(work["run"]), Is.False);

        Assert.That(work.Train("pictures.yaml").Code, Is.Zero);
        foreach (string[] option in (string[][])[["--rows", "0:4"], ["--max-length", "512"], ["--loss-on", "auto"], ["--strict"]])
        {
            CommandLine judged = CommandLine.Run(["evaluate", work["run/final"], "--data", work["test"], .. option]);
            Assert.That((judged.Code, judged.Out, judged.Error), Is.EqualTo((2, "", $"error: {option[0]}: it is for rows of text, and {work["run/final"]} tells pictures apart\n")));
        }

        CommandLine file = CommandLine.Run("evaluate", work["run/final"], "--data", work["text.jsonl"], "--threads", "1");
        Assert.That((file.Code, file.Error), Is.EqualTo((3, $"error: {work["text.jsonl"]}: a file was found, a folder with a folder of pictures a class wanted\n")));
    }

    [Test]
    public void A_folder_of_pictures_has_no_texts()
    {
        using Workplace work = Classifier();
        Assert.That(work.Train("full.yaml").Code, Is.Zero);
        CommandLine folder = CommandLine.Run("evaluate", work["base/final"], "--data", work["test"], "--threads", "1");
        Assert.That((folder.Code, folder.Error), Is.EqualTo((3, $"error: {work["test"]}: a folder without texts was found, a file or a folder of .txt, .text, .md, .rst wanted\n")));
    }

    [Test]
    public void An_adapter_is_merged_and_the_result_named_in_pictures_and_classes()
    {
        using Workplace work = Classifier();
        Assert.That(work.Train("pictures.yaml").Code, Is.Zero);
        work.Write("lora.yaml",
            "model: run/final", "task: image-classification", "method: lora", "head: {}", "lora: { r: 2, target_modules: [convolution] }", "data: { train: train }",
            "training: { max_steps: 2, batch_size: 6, gradient_accumulation_steps: 1 }", "device: cpu", "output: tuned");
        CommandLine trained = work.Train("lora.yaml");
        Assert.That(trained.Code, Is.Zero, trained.Error);
        CommandLine merged = CommandLine.Run("merge", work["tuned/final"], "--output", work["merged"], "--threads", "1");
        Assert.That(merged.Code, Is.Zero, merged.Error);
        Assert.That(merged.Out, Does.StartWith($"merged into {work["merged"]} (F32); logits moved by ").And.EndWith("the likeliest class is the same for 8 of 8 pictures\n"));
        CommandLine with = CommandLine.Run("evaluate", work["tuned/final"], "--data", work["test"], "--json", "--threads", "1");
        CommandLine alone = CommandLine.Run("evaluate", work["merged"], "--data", work["test"], "--json", "--threads", "1");
        Assert.That((double)alone.Json["base"]!["loss"]!, Is.EqualTo((double)with.Json["adapter"]!["loss"]!).Within(1e-5));
    }

    // A ResNet without weights, pictures of two classes and a recipe.
    private static Workplace Classifier()
    {
        var work = new Workplace();
        foreach (string set in (string[])["train", "test"])
            foreach (string kind in (string[])["dark", "light"])
                for (int i = 0; i < 6; i++) Draw(work[$"{set}/{kind}/{i}.png"], (byte)((kind == "dark" ? 20 : 180) + (7 * i)));
        work.Write("resnet/config.json", """{"architectures":["ResNetForImageClassification"],"model_type":"resnet","embedding_size":8,"hidden_sizes":[8],"depths":[1],"layer_type":"basic"}""");
        work.Write("resnet/preprocessor_config.json", """{"image_processor_type":"ViTImageProcessor","size":{"height":8,"width":8}}""");
        work.Write("pictures.yaml",
            "model: resnet", "init: random", "task: image-classification", "method: full", "data: { train: train, validation: test }", "optimizer: { learning_rate: 1e-2 }",
            "training: { max_steps: 8, batch_size: 6, gradient_accumulation_steps: 1 }", "device: cpu", "output: run");
        return work;
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
