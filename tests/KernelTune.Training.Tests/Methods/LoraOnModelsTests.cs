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

/// <summary>LoRA's options on whole models: gradients agree with finite differences, merging keeps the logits, a saved adapter comes back.</summary>
public sealed class LoraOnModelsTests
{
    private static readonly long[] Ids = [1, 7, 30, 4, 9, 12, 5, 25, 3, 3, 17, 22];

    private static IEnumerable<TestCaseData> Options()
    {
        TestCaseData Case(string name, string model, LoraConfig config) => new TestCaseData(model, config with { R = 3, InitLoraWeights = "false" }).SetName("{m}: " + name + " on " + model);
        yield return Case("every linear layer", "llama", new LoraConfig { TargetModules = ModuleSelection.Matching("all-linear") });
        yield return Case("an expression", "llama", new LoraConfig { TargetModules = ModuleSelection.Matching(@".*layers\.1\.(self_attn\.[qk]_proj|mlp\.down_proj)") });
        yield return Case("the head and the table", "llama", new LoraConfig { TargetModules = ModuleSelection.Of("lm_head", "embed_tokens", "q_proj") });
        yield return Case("an excluded module", "llama", new LoraConfig { TargetModules = ModuleSelection.Of("q_proj", "v_proj"), ExcludeModules = ModuleSelection.Of("layers.0.self_attn.v_proj") });
        yield return Case("every bias", "llama", new LoraConfig { TargetModules = ModuleSelection.Of("q_proj", "v_proj"), Bias = LoraBiasMode.All });
        yield return Case("the biases of its layers", "llama", new LoraConfig { TargetModules = ModuleSelection.Of("q_proj", "down_proj"), Bias = LoraBiasMode.LoraOnly });
        yield return Case("a whole table and a norm", "llama", new LoraConfig { TargetModules = ModuleSelection.Of("o_proj"), ModulesToSave = ["embed_tokens", "model.norm"] });
        yield return Case("patterns and rsLoRA", "llama", new LoraConfig
        {
            TargetModules = ModuleSelection.Of("q_proj", "up_proj"), UseRslora = true, RankPattern = [new("layers.0.mlp.up_proj", 5)], AlphaPattern = [new("q_proj", 1.5)],
        });
        yield return Case("every bias", "gpt2", new LoraConfig { TargetModules = ModuleSelection.Of("c_attn"), Bias = LoraBiasMode.All });
        yield return Case("the biases of its layers", "gpt2", new LoraConfig { TargetModules = ModuleSelection.Of("c_fc", "c_proj"), Bias = LoraBiasMode.LoraOnly });
        yield return Case("some layers", "gpt2", new LoraConfig { TargetModules = ModuleSelection.Of("c_attn"), LayersToTransform = [1], LayersPattern = ["h"] });
        yield return Case("positions and a norm whole", "gpt2", new LoraConfig { TargetModules = ModuleSelection.Of("c_attn", "wpe"), ModulesToSave = ["ln_f"] });
    }

    [TestCaseSource(nameof(Options))]
    public void Gradients_agree_with_finite_differences(string architecture, LoraConfig config)
    {
        using var device = new ReferenceDevice();
        var (model, lora) = Adapted(architecture, config, device);
        using var gradients = new GradientStore(device, lora.Trainable);
        Assert.That(lora.Trainable.Sum(p => p.Shape.Elements), Is.EqualTo(lora.Plan.TrainableParameters));
        FiniteDifferences.Check(gradients, g => Loss(model, device, g), 1e-7);
    }

    [TestCaseSource(nameof(Options))]
    public void Merging_keeps_the_logits(string architecture, LoraConfig config)
    {
        using var device = new ReferenceDevice();
        var (model, lora) = Adapted(architecture, config, device);
        var (plain, _) = Adapted(architecture, null, device);
        var byPath = plain.BaseParameters().ToDictionary(p => p.Path);
        foreach (Parameter p in model.BaseParameters())
            byPath[p.Path].Load(device, Array.ConvertAll(Numbers(p.Value.View), v => (float)v));
        foreach (var (parameter, merged) in lora.Merged())
            byPath[parameter.Path].Load(device, merged);
        Assert.That(Logits(plain, device), Is.EqualTo(Logits(model, device)).Within(2e-5));
    }

    [TestCaseSource(nameof(Options))]
    public void A_saved_adapter_comes_back(string architecture, LoraConfig config)
    {
        using var device = new ReferenceDevice();
        var (model, lora) = Adapted(architecture, config, device);
        string path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"{Guid.NewGuid():N}.safetensors");
        try
        {
            SafetensorsWriter.Save(path, lora.ToSave());
            var (other, again) = Adapted(architecture, config, device, seed: 77);
            using (SafetensorsFile file = SafetensorsFile.Open(path))
                Assert.That(again.Load(device, file), Is.Empty);
            Assert.That(Logits(other, device), Is.EqualTo(Logits(model, device)).Within(1e-5));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestCase("wte")]
    [TestCase("lm_head")]
    public void A_tied_weight_is_not_trained_apart(string name) =>
        Assert.That(() => Lora.Attach(TinyModel.Gpt2(), "gpt2", new LoraConfig { TargetModules = ModuleSelection.Of("c_attn"), ModulesToSave = [name] }),
            Throws.TypeOf<MethodException>().With.Message.Contain("a tied weight cannot be trained apart"));

    private static (CausalLanguageModel Model, Lora Lora) Adapted(string architecture, LoraConfig? config, Device device, ulong seed = 11)
    {
        CausalLanguageModel model = TinyModel.Of(architecture);
        Lora? lora = config is null ? null : Lora.Attach(model, architecture, config);
        TinyModel.Draw(model, device);
        lora?.Initialize(device, seed);
        return (model, lora!);
    }

    private static double Loss(CausalLanguageModel model, Device device, GradientStore? gradients)
    {
        using var session = new Session(device, gradients);
        var shape = new Shape(1, Ids.Length);
        Tensor loss = model.Loss(new TokenInput(session.Upload<long>(Ids, shape, DType.I64)), session.Upload<long>([.. Ids[1..], -100], shape, DType.I64));
        if (gradients is not null)
            session.Backward(loss);
        return Numbers(loss.View)[0];
    }

    private static double[] Logits(CausalLanguageModel model, Device device)
    {
        using var session = new Session(device);
        return Numbers(model.Logits(model.Call(new TokenInput(session.Upload<long>(Ids, new Shape(1, Ids.Length), DType.I64)))).View);
    }
}
