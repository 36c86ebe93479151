using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Reference;
using KernelTune.Kernels.Numerics;
using KernelTune.Modules;

namespace KernelTune.Models.Tests;

/// <summary>ResNet: sizes known from the libraries, what is refused, fresh weights, and when running statistics change.</summary>
public sealed class ResNetTests
{
    private const string Tiny = """ "architectures": ["ResNetForImageClassification"], "model_type": "resnet", "embedding_size": 4, "hidden_sizes": [4, 6], "depths": [1, 1], "layer_type": "basic", "num_labels": 3 """;

    [TestCase(""" "architecture": "torchvision.ResNet", "block": "BasicBlock", "layers": [2, 2, 2, 2] """, 11_689_512, 1_814_073_344)]
    [TestCase(""" "architecture": "torchvision.ResNet", "block": "Bottleneck", "layers": [3, 4, 6, 3] """, 25_557_032, 4_089_184_256)]
    [TestCase(""" "architecture": "torchvision.ResNet", "block": "Bottleneck", "layers": [3, 4, 6, 3], "groups": 32, "width_per_group": 4 """, 25_028_904, 4_230_000_000)]
    [TestCase(""" "architecture": "resnet18", "num_classes": 1000 """, 11_689_512, 1_814_073_344)]
    [TestCase(""" "architectures": ["ResNetForImageClassification"], "model_type": "resnet", "num_labels": 1000 """, 25_557_032, 4_089_184_256)]
    public void Parameters_and_multiply_adds_are_the_libraries(string settings, long parameters, double multiplyAdds)
    {
        var model = ModelRegistry.ImageClassifier(TinyModels.Settings(settings));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(model.BaseParameters().Sum(p => p.Shape.Elements), Is.EqualTo(parameters));
            Assert.That(model.MultiplyAdds(224, 224), Is.EqualTo(multiplyAdds).Within(0.05).Percent);
        }
    }

    [TestCase(Tiny, """ "layer_type": "wide" """, """config.json: key "layer_type": "wide" was found: basic or bottleneck wanted""")]
    [TestCase(Tiny, """ "depths": [1] """, """config.json: key "depths": 1 stages of [1] blocks and [4, 6] planes""")]
    [TestCase(Tiny, """ "num_labels": 1 """, """config.json: key "num_labels": 1 was found: classification of one label among at least 2 is built""")]
    [TestCase(""" "architecture": "timm.ResNet", "block": "BasicBlock", "layers": [1] """, """ "channels": [8], "stem_type": "deep" """, """config.json: key "stem_type": "deep" was found: it is not built""")]
    [TestCase(""" "architecture": "torchvision.ResNet", "block": "BasicBlock", "layers": [1] """, """ "widths": [8], "groups": 2 """, """config.json: key "block": a BasicBlock has 1 group of 64, not 2 of 64""")]
    [TestCase(""" "architecture": "resnet18d" """, "", """config.json: key "architecture": "resnet18d" is not known; known are ResNetForImageClassification, torchvision.ResNet, timm.ResNet""")]
    public void What_is_not_built_is_refused_by_name(string settings, string more, string message)
    {
        var e = Assert.Throws<CheckpointException>(() => ModelRegistry.ImageClassifier(TinyModels.Settings(settings, more)))!;
        Assert.That(e.Message, Is.EqualTo(message));
    }

    [Test]
    public void A_fresh_model_starts_as_the_libraries_do()
    {
        var model = ModelRegistry.ImageClassifier(TinyModels.Settings(""" "architecture": "timm.ResNet", "block": "BasicBlock", "layers": [1], "channels": [8], "num_classes": 4 """));
        FreshWeight Of(string path) => model.Fresh(model.SavedParameters().Single(p => p.Path == path));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Of("conv1.weight"), Is.EqualTo(FreshWeight.Normal(Math.Sqrt(2.0 / (64 * 49)))));
            Assert.That(Of("bn1.weight"), Is.EqualTo(FreshWeight.Of(1)));
            Assert.That(Of("layer1.0.bn2.weight"), Is.EqualTo(FreshWeight.Of(0)));
            Assert.That(Of("layer1.0.bn1.running_var"), Is.EqualTo(FreshWeight.Of(1)));
            Assert.That(Of("layer1.0.bn1.num_batches_tracked"), Is.EqualTo(FreshWeight.Of(0)));
            Assert.That(Of("fc.weight"), Is.EqualTo(FreshWeight.Uniform(1 / Math.Sqrt(8))));
        }
    }

    // A fresh block without an activation at its end is odd in x, but for the relu between its convolutions.
    [Test]
    public void Transformers_has_relu_within_a_block_whatever_hidden_act_says()
    {
        using var device = new ReferenceDevice();
        var model = ModelRegistry.ImageClassifier(TinyModels.Settings(Tiny, """ "hidden_act": "linear" """));
        ModelWeights.Initialize(model, device, 5);
        var block = (Module<Tensor, Tensor>)model.Tree().Single(m => m.Path == "resnet.encoder.stages.0.layers.0");
        double[] Of(int sign)
        {
            using var session = new Session(device);
            var y = block.Call(session.Upload<float>([.. Enumerable.Range(0, 4 * 5 * 5).Select(i => sign * MathF.Sin(i))], new Shape(1, 4, 5, 5), session.Real));
            var numbers = new double[y.Shape.Elements];
            device.Read<double>(y.View, numbers);
            return numbers;
        }

        Assert.That(Of(1).Zip(Of(-1), (a, b) => Math.Abs(a + b)).Max(), Is.GreaterThan(0.1));
        foreach (var parameter in model.AllParameters())
            parameter.Dispose();
    }

    [Test]
    public void An_averaging_shortcut_has_timm_s_names()
    {
        var model = ModelRegistry.ImageClassifier(TinyModels.Settings(""" "architecture": "timm.ResNet", "block": "BasicBlock", "layers": [1, 1], "channels": [64, 8], "avg_down": true """));
        Assert.That(model.SavedParameters().Select(p => p.Path).Where(p => p.Contains("downsample", StringComparison.Ordinal)), Is.EqualTo((string[])
            ["layer2.0.downsample.1.weight", "layer2.0.downsample.2.weight", "layer2.0.downsample.2.bias", "layer2.0.downsample.2.running_mean", "layer2.0.downsample.2.running_var",
            "layer2.0.downsample.2.num_batches_tracked"]));
    }

    [TestCase(true, true, 1)]
    [TestCase(true, false, 0)]
    [TestCase(false, true, 0)]
    public void Running_statistics_change_in_training_where_the_norm_trains(bool training, bool trains, int batches)
    {
        using var device = new ReferenceDevice();
        var model = ModelRegistry.ImageClassifier(TinyModels.Settings(Tiny));
        if (trains)
        {
            foreach (var parameter in model.BaseParameters())
                parameter.Trainable = true;
        }
        ModelWeights.Initialize(model, device, 5);
        using (var session = new Session(device) { Training = training })
            model.Call(new PictureInput(session.Upload<float>([.. Enumerable.Range(0, 2 * 3 * 16 * 16).Select(i => MathF.Sin(i))], new Shape(2, 3, 16, 16), session.Real)));

        foreach (var norm in model.Tree().OfType<BatchNorm2d>())
        {
            var (count, mean) = (new double[1], new double[norm.Channels]);
            device.Read<double>(norm.BatchesTracked.Value.View, count);
            device.Read<double>(norm.RunningMean.Value.View, mean);
            using (Assert.EnterMultipleScope())
            {
                Assert.That(count[0], Is.EqualTo(batches), norm.Path);
                Assert.That(mean.Any(m => m != 0), Is.EqualTo(batches > 0), norm.Path);
                Assert.That(norm.ChangesBuffers, Is.EqualTo(trains));
            }
        }
        foreach (var parameter in model.AllParameters())
            parameter.Dispose();
        Assert.That(device.Outstanding, Is.Zero);
    }

    [Test]
    public void A_norm_that_is_computed_again_counts_a_batch_once()
    {
        using var device = new ReferenceDevice();
        var norm = new BatchNorm2d("bn", 2);
        norm.Weight.Trainable = true;
        norm.Weight.Load(device, [1, 2]);
        norm.Bias.Load(device, [0, 0]);
        norm.RunningMean.Load(device, [0, 0]);
        norm.RunningVariance.Load(device, [1, 1]);
        norm.BatchesTracked.Load(device, [0]);
        var gradient = new double[2];
        using (var gradients = new GradientStore(device, [norm.Weight]))
        using (var session = new Session(device, gradients) { Training = true })
        {
            var x = session.Upload<double>([1, 2, 3, 4, 5, 7, 1, 0], new Shape(2, 2, 1, 2), session.Real);
            var y = Recompute.Apply(session, [x], true, () => norm.Call(x));
            session.Backward([y], [session.Upload<double>([1, -1, 2, 0, 1, 0, 0, 3], y.Shape, session.Real)]);
            device.Read<double>(gradients.Of(norm.Weight), gradient);
        }
        var (count, mean) = (new double[1], new double[2]);
        device.Read<double>(norm.BatchesTracked.Value.View, count);
        device.Read<double>(norm.RunningMean.Value.View, mean);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(gradient.Any(g => g != 0), Is.True, "the second run was walked");
            Assert.That(count[0], Is.EqualTo(1));
            Assert.That(mean, Is.EqualTo((double[])[0.1 * 15 / 4, 0.1 * 8 / 4]).Within(1e-12));
        }
        foreach (var parameter in norm.AllParameters())
            parameter.Dispose();
        Assert.That(device.Outstanding, Is.Zero);
    }

    [Test]
    public void A_buffer_never_trains()
    {
        var model = ModelRegistry.ImageClassifier(TinyModels.Settings(Tiny));
        var buffer = model.Buffers().First();
        var e = Assert.Throws<InvalidOperationException>(() => buffer.Trainable = true)!;
        Assert.That(e.Message, Is.EqualTo("resnet.embedder.embedder.normalization.running_mean is a buffer: it never trains"));
    }
}
