using KernelTune.Conformance;
using KernelTune.Conformance.Families;

namespace KernelTune.Devices.Gpu.Tests;

/// <summary>Whole models on an accelerator: every output, the loss and every gradient, held to the goldens' float32 rule.</summary>
public sealed class GoldenModelTests
{
    [Test]
    public void A_model_passes(
        [ValueSource(typeof(GpuChoice), nameof(GpuChoice.Present))] string device,
        [Values("llama", "gpt2", "resnet_basic")] string model)
    {
        string folder = GpuChoice.GoldensOrIgnore("models");
        Finding[] findings = [.. new ModelsFamily().Run(folder, model, device).Where(f => f.Part is "" or "training")];
        if (findings is [{ Outcome: Outcome.Unsupported } missing])
            Assert.Ignore($"{model}: {missing.Detail}");
        Assert.That(findings, Has.Length.EqualTo(2));
        Assert.That(findings.Where(f => f.Outcome != Outcome.Pass).Select(f => f.Detail), Is.Empty);
    }
}
