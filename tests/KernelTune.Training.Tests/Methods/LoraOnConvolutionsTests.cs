using System.Text;
using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Reference;
using KernelTune.Kernels.Numerics;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Modules;
using static KernelTune.Training.Tests.Methods.FiniteDifferences;

namespace KernelTune.Training.Tests.Methods;

/// <summary>LoRA on a ResNet's convolutions: PEFT's shapes, gradients by finite differences, the merged model equals the unmerged one.</summary>
public sealed class LoraOnConvolutionsTests
{
    private const string Plain = """{"architecture": "torchvision.ResNet", "block": "Bottleneck", "layers": [1, 1], "widths": [4, 8], "num_classes": 3}""";
    private const string Grouped = """{"architecture": "torchvision.ResNet", "block": "Bottleneck", "layers": [1, 1], "widths": [4, 8], "num_classes": 3, "groups": 2, "width_per_group": 32}""";

    private static readonly LoraConfig Config = new()
    {
        R = 2, LoraAlpha = 3, InitLoraWeights = "false", TargetModules = ModuleSelection.Of("conv1", "conv2", "downsample.0"), ModulesToSave = ["fc"],
    };

    [Test]
    public void Tensors_have_PEFT_s_names_and_shapes()
    {
        var lora = Lora.Attach(Build(Grouped), "resnet", Config);
        string[] tensors = [.. lora.Plan.Tensors.Select(t => $"{t.Name[LoraPlan.NamePrefix.Length..]} [{string.Join(", ", t.Shape)}]").Where(t => t.StartsWith("layer2.0", StringComparison.Ordinal) || t.StartsWith("conv1", StringComparison.Ordinal) || t.StartsWith("fc", StringComparison.Ordinal))];
        Assert.That(tensors, Is.EqualTo((string[])
        [
            "conv1.lora_A.weight [2, 3, 7, 7]", "conv1.lora_B.weight [4, 2, 1, 1]", "fc.bias [3]", "fc.weight [3, 32]",
            "layer2.0.conv1.lora_A.weight [2, 16, 1, 1]", "layer2.0.conv1.lora_B.weight [8, 2, 1, 1]",
            "layer2.0.conv2.lora_A.weight [2, 8, 3, 3]", "layer2.0.conv2.lora_B.weight [8, 1, 1, 1]",
            "layer2.0.downsample.0.lora_A.weight [2, 16, 1, 1]", "layer2.0.downsample.0.lora_B.weight [32, 2, 1, 1]",
        ]));
    }

    [TestCase(Plain)]
    [TestCase(Grouped)]
    public void Gradients_agree_with_finite_differences(string settings)
    {
        using var device = new ReferenceDevice();
        var (model, lora) = Adapted(settings, device);
        using var gradients = new GradientStore(device, lora.Trainable);
        FiniteDifferences.Check(gradients, g => Loss(model, device, g), 1e-6);
    }

    [Test]
    public void Merging_keeps_the_logits()
    {
        using var device = new ReferenceDevice();
        var (model, lora) = Adapted(Plain, device);
        var plain = Build(Plain);
        ModelWeights.Initialize(plain, device, 5);
        var byPath = plain.SavedParameters().ToDictionary(p => p.Path);
        foreach (Parameter p in model.SavedParameters())
            byPath[p.Path].Load(device, Array.ConvertAll(Numbers(p.Value.View), v => (float)v));
        double[] unmerged = Logits(model, device);
        Assert.That(Logits(plain, device), Is.Not.EqualTo(unmerged).Within(1e-3), "the adapter changes the model");
        foreach (var (parameter, merged) in lora.Merged())
            byPath[parameter.Path].Load(device, merged);
        Assert.That(Logits(plain, device), Is.EqualTo(unmerged).Within(1e-5));
        Assert.That(lora.WhyUnmergeable, Is.Null);
    }

    [Test]
    public void A_convolution_of_groups_says_why_it_cannot_be_merged()
    {
        var lora = Lora.Attach(Build(Grouped), "resnet", Config);
        Assert.That(lora.WhyUnmergeable, Is.EqualTo("layer1.0.conv2 is a convolution of 2 groups, and its update crosses them"));
    }

    [Test]
    public void A_rank_that_the_groups_do_not_divide_is_refused()
    {
        var e = Assert.Throws<MethodException>(() => Lora.Attach(Build(Grouped), "resnet", Config with { R = 3 }))!;
        Assert.That(e.Message, Is.EqualTo("the rank 3 at layer1.0.conv2 is no multiple of its 2 groups"));
    }

    [Test]
    public void Every_linear_layer_is_no_convolution()
    {
        var lora = Lora.Attach(Build(Plain), "resnet", Config with { TargetModules = ModuleSelection.Matching("all-linear"), ModulesToSave = null });
        Assert.That(lora.Plan.Sites.Select(s => s.Module.Path), Is.EqualTo((string[])["fc"]));
    }

    [Test]
    public void A_norm_that_trains_whole_is_saved_with_its_statistics()
    {
        using var device = new ReferenceDevice();
        var config = Config with { ModulesToSave = ["fc", "layer2.0.bn2"] };
        var model = Build(Plain);
        var lora = Lora.Attach(model, "resnet", config);
        ModelWeights.Initialize(model, device, 5);
        lora.Initialize(device, 9);
        using (var gradients = new GradientStore(device, lora.Trainable))
            Loss(model, device, gradients);
        string path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"{Guid.NewGuid():N}.safetensors");
        try
        {
            SafetensorsWriter.Save(path, lora.ToSave());
            var other = Build(Plain);
            var again = Lora.Attach(other, "resnet", config);
            ModelWeights.Initialize(other, device, 5);
            using SafetensorsFile file = SafetensorsFile.Open(path);
            Assert.That(again.Load(device, file), Is.Empty);
            Assert.That(file.ReadI64("base_model.model.layer2.0.bn2.num_batches_tracked"), Is.EqualTo((long[])[1]));
            Assert.That(file.Names.Where(n => n.Contains("bn", StringComparison.Ordinal)).Select(n => n[(n.LastIndexOf('.') + 1)..]),
                Is.EquivalentTo((string[])["bias", "num_batches_tracked", "running_mean", "running_var", "weight"]));
            Assert.That(Logits(other, device), Is.EqualTo(Logits(model, device)).Within(1e-5));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static ImageClassifier Build(string settings) => ModelRegistry.ImageClassifier(JsonSettings.Parse("config.json", Encoding.UTF8.GetBytes(settings)));

    private static (ImageClassifier Model, Lora Lora) Adapted(string settings, Device device)
    {
        var model = Build(settings);
        var lora = Lora.Attach(model, "resnet", Config);
        ModelWeights.Initialize(model, device, 5);
        lora.Initialize(device, 9);
        return (model, lora);
    }

    private static PictureInput Pictures(Session session) =>
        new(session.Upload<float>([.. Enumerable.Range(0, 2 * 3 * 20 * 16).Select(i => MathF.Sin(i * i))], new Shape(2, 3, 20, 16), session.Real));

    private static double[] Logits(ImageClassifier model, Device device)
    {
        using var session = new Session(device);
        return Numbers(model.Call(Pictures(session)).View);
    }

    // In training mode: the base is frozen, so its norms keep their statistics.
    private static double Loss(ImageClassifier model, Device device, GradientStore? gradients)
    {
        using var session = new Session(device, gradients) { Training = true };
        Tensor loss = model.Loss(Pictures(session), session.Upload<long>([2, 0], new Shape(2), DType.I64));
        double value = Numbers(loss.View)[0];
        if (gradients is not null)
            session.Backward(loss);
        return value;
    }
}
