using System.Text;
using System.Text.Json;
using KernelTune.Checkpoints;
using KernelTune.Conformance.Checks;
using KernelTune.Data.Pictures;

namespace KernelTune.Conformance.Families;

/// <summary>Whole image processors: the resized picture within one level, and the model's input by the common rule when it is made of the resized picture that is given.</summary>
internal static class ImageProcessors
{
    public static Finding Run(string folder, JsonElement root)
    {
        var check = new GoldenCheck("cpu", FloatError.ReadAll(root.GetProperty("float32_error")));
        var expected = new GoldenTensors(Path.Combine(folder, "expected.safetensors"));
        PictureProcessorSettings settings;
        try
        {
            settings = PreprocessorConfig.From(JsonSettings.Parse("case.json", Encoding.UTF8.GetBytes(root.GetProperty("settings").GetRawText())));
        }
        catch (CheckpointException e)
        {
            return new Finding("", Outcome.Unsupported, e.Message);
        }

        Picture picture = PictureFile.Read(Path.Combine(folder, "image.png"));
        GoldenTensor resized = expected["resized"];
        if (resized.Shape is not [var channels, var height, var width] || channels is not (1 or 3))
            return new Finding("", Outcome.Unsupported, $"an input of [{string.Join(", ", resized.Shape)}]");
        var processor = new PictureProcessor(settings, channels);
        Picture ours = processor.Prepare(picture);
        var given = new Picture(width, height, channels);
        for (int c = 0; c < channels; c++)
            for (int i = 0; i < width * height; i++) given.Pixels[(i * channels) + c] = resized.Bytes[(c * width * height) + i];

        if (ours.Width != width || ours.Height != height)
            check.Fail($"resized is {ours.Height} × {ours.Width}, wanted {height} × {width}");
        else
            check.Within("resized", Array.ConvertAll(ours.Pixels, v => (double)v), Array.ConvertAll(given.Pixels, v => (double)v), 0, 1);
        var values = new float[channels * height * width];
        processor.Normalize(given, values);
        check.Tensor<float>("pixel_values", values, [1, channels, height, width], expected["pixel_values"]);
        return check.Finding();
    }
}
