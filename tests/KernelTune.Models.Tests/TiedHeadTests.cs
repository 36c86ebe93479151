using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices.Reference;

namespace KernelTune.Models.Tests;

/// <summary>A file that holds a head beside the table that its configuration ties it to.</summary>
public sealed class TiedHeadTests
{
    [Test]
    public void An_equal_head_is_taken() => Assert.That(() => Load(0), Throws.Nothing);

    [Test]
    public void Another_head_is_refused() =>
        Assert.That(() => Load(1), Throws.TypeOf<CheckpointException>().With.Message.Contain("it differs from model.embed_tokens.weight, to which config.json ties it"));

    private static void Load(float added)
    {
        using var device = new ReferenceDevice();
        JsonSettings settings = TinyModels.Settings(TinyModels.Llama, """ "tie_word_embeddings": true """);
        CausalLanguageModel model = ModelRegistry.CausalLanguageModel(settings);
        ModelWeights.Initialize(model, device, 5);
        List<TensorToSave> tensors = [.. model.BaseParameters().Select(p => Saved(p, p.Path, 0)), Saved(model.Head.Weight, "lm_head.weight", added)];
        string path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"{Guid.NewGuid():N}.safetensors");
        try
        {
            SafetensorsWriter.Save(path, tensors);
            using SafetensorsFile file = SafetensorsFile.Open(path);
            Assert.That(ModelWeights.Load(ModelRegistry.CausalLanguageModel(settings), file, device), Is.Empty);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static TensorToSave Saved(Parameter parameter, string name, float added)
    {
        var numbers = new float[parameter.Shape.Elements];
        parameter.Read(numbers);
        numbers[^1] += added;
        return TensorToSave.Of(name, [.. parameter.Shape.ToArray().Select(n => (long)n)], numbers);
    }
}
