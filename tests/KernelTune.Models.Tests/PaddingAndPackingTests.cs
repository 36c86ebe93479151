using KernelTune.Autograd;
using KernelTune.Devices;
using KernelTune.Kernels.Numerics;

namespace KernelTune.Models.Tests;

/// <summary>What a token may see: padding changes nothing, packed sequences do not see each other.</summary>
public sealed class PaddingAndPackingTests
{
    private static readonly long[] First = [1, 7, 30, 4, 9];
    private static readonly long[] Second = [5, 6, 2, 18, 11, 23, 8];

    [TestCase(TinyModels.Llama, "")]
    [TestCase(TinyModels.Gpt2, "")]
    [TestCase(TinyModels.Llama, """ "architectures": ["MistralForCausalLM"], "model_type": "mistral", "sliding_window": 3 """)]
    public void Packed_sequences_give_what_they_give_alone(string text, string more)
    {
        var settings = TinyModels.Settings(text, more);
        double[] packed = Logits(settings, [.. First, .. Second], [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6], starts: [0, First.Length, First.Length + Second.Length]);
        double[] alone = [.. Logits(settings, First, null), .. Logits(settings, Second, null)];
        Assert.That(packed, Is.EqualTo(alone).Within(1e-12));
    }

    [TestCase(TinyModels.Llama)]
    [TestCase(TinyModels.Gpt2)]
    public void Padding_on_the_left_changes_nothing(string text)
    {
        var settings = TinyModels.Settings(text);
        double[] padded = Logits(settings, [0, 0, 0, .. First], [0, 0, 0, 0, 1, 2, 3, 4], mask: [0, 0, 0, 1, 1, 1, 1, 1]);
        double[] plain = Logits(settings, First, null);
        Assert.That(padded[(padded.Length - plain.Length)..], Is.EqualTo(plain).Within(1e-12));
    }

    private static double[] Logits(Checkpoints.JsonSettings settings, long[] ids, long[]? positions, long[]? mask = null, long[]? starts = null)
    {
        using var device = new Devices.Reference.ReferenceDevice();
        CausalLanguageModel model = ModelRegistry.CausalLanguageModel(settings);
        ModelWeights.Initialize(model, device, 5);
        using var session = new Session(device);
        Tensor? Row(long[]? numbers) => numbers is null ? null : session.Upload<long>(numbers, new Shape(1, numbers.Length), DType.I64);
        var input = new Modules.TokenInput(Row(ids)!, Row(positions), Row(mask), starts is null ? null : session.Upload<long>(starts, new Shape(starts.Length), DType.I64),
            PositionsEnd: positions is null ? null : (int)positions.Max() + 1);
        var logits = new double[ids.Length * model.VocabularySize];
        device.Read<double>(model.Logits(model.Call(input)).View, logits);
        return logits;
    }
}
