using System.Text.Json;
using KernelTune.Training.Optimizers.ParameterGroups;

namespace KernelTune.Training.Tests.Optimizers;

public sealed class ParameterGroupTests
{
    [TestCase("model.layers.0.self_attn.q_proj.weight", true)]
    [TestCase("model.layers.0.self_attn.q_proj.lora_B.weight", true)]
    [TestCase("model.layers.0.self_attn.q_proj.bias", false)]
    [TestCase("model.layers.0.input_layernorm.weight", false)]
    [TestCase("bert.embeddings.LayerNorm.weight", false)]
    [TestCase("model.norm.weight", false)]
    [TestCase("model.layers.0.self_attn.q_norm.weight", false)]
    [TestCase("model.normal.weight", true)]
    [TestCase("model.norm_scale.weight", true)]
    [TestCase("decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", false)]
    public void Decay_by_name(string name, bool decays) => Assert.That(DecayGroups.Decays(new TrainableParameter(name, 2)), Is.EqualTo(decays));

    [Test]
    public void A_layer_norm_is_known_by_its_kind() => Assert.That(DecayGroups.Decays(new TrainableParameter("h.0.ln_1.weight", 1, InLayerNorm: true)), Is.False);

    [Test]
    public void Lora_plus_sorts_by_kind()
    {
        IReadOnlyList<ParameterGroup> groups = LoraPlusGroups.Of(
            [
                new("m.q_proj.lora_A.weight", 2), new("m.q_proj.lora_B.weight", 2), new("m.q_proj.lora_B.bias", 1), new("m.wte.lora_embedding_A", 2),
                new("m.lm_head.weight", 2), new("m.q_proj.lora_magnitude_vector", 1), new("m.ln.weight", 1, InLayerNorm: true),
            ],
            learningRate: 0.01, ratio: 8, weightDecay: 0.1);
        Assert.That(groups.Select(g => g.LearningRate), Is.EqualTo(new[] { 0.01, 1e-6, 0.08, 0.08 }));
        Assert.That(groups.Select(g => g.WeightDecay), Is.EqualTo(new[] { 0.1, 0.1, 0.1, 0 }));
        Assert.That(groups[0].Parameters, Is.EqualTo(new[] { "m.q_proj.lora_A.weight", "m.lm_head.weight" }));
        Assert.That(groups[1].Parameters, Is.EqualTo(new[] { "m.wte.lora_embedding_A" }));
        Assert.That(groups[2].Parameters, Is.EqualTo(new[] { "m.q_proj.lora_B.weight", "m.q_proj.lora_magnitude_vector" }));
        Assert.That(groups[3].Parameters, Is.EqualTo(new[] { "m.q_proj.lora_B.bias", "m.ln.weight" }));
    }

    [Test]
    public void Every_adapter_case_is_grouped_as_its_page_says()
    {
        int cases = 0;
        foreach (string folder in Directory.EnumerateDirectories(GoldenFolder.Of("adapters")))
        {
            string path = Path.Combine(folder, "case.json");
            if (!File.Exists(path))
                continue;
            using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(path));
            if (!json.RootElement.TryGetProperty("training", out JsonElement training) || !training.GetProperty("optimizer").TryGetProperty("decay", out JsonElement decay))
                continue;
            string[] yes = [.. decay.EnumerateArray().Select(e => e.GetString()!)];
            string[] no = [.. training.GetProperty("optimizer").GetProperty("no_decay").EnumerateArray().Select(e => e.GetString()!)];
            // GPT-2's norms are called ln_1, ln_2 and ln_f: there the kind decides.
            IReadOnlyList<ParameterGroup> groups = DecayGroups.Of(yes.Concat(no).Select(n => new TrainableParameter(n, 2, n.Contains(".ln_", StringComparison.Ordinal))), 0.01, 0.1);
            Assert.That(groups[0].Parameters, Is.EqualTo(yes), path);
            Assert.That(groups[1].Parameters, Is.EqualTo(no), path);
            cases++;
        }

        Assert.That(cases, Is.GreaterThan(40));
    }

    [TestCase("decay_groups")]
    [TestCase("layerwise_lr")]
    public void A_training_case_is_grouped_as_its_optimizer_says(string name)
    {
        string folder = Path.Combine(GoldenFolder.Of("training"), name);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "optimizer.json")));
        JsonElement[] wanted = [.. json.RootElement[0].GetProperty("param_groups").EnumerateArray()];
        IEnumerable<TrainableParameter> all = wanted.SelectMany(g => g.GetProperty("params").EnumerateArray()).Select(e => new TrainableParameter(e.GetString()!, 2));
        IReadOnlyList<ParameterGroup> groups = name == "decay_groups" ? DecayGroups.Of(all, 3e-3, 0.1) : LayerDecay.Of(all, 5e-3, 2, 0.6, 0.01);
        Assert.That(groups.Count, Is.EqualTo(wanted.Length));
        for (int i = 0; i < wanted.Length; i++)
        {
            Assert.That(groups[i].Parameters, Is.EqualTo(wanted[i].GetProperty("params").EnumerateArray().Select(e => e.GetString())));
            Assert.That(groups[i].LearningRate, Is.EqualTo(wanted[i].GetProperty("lr").GetDouble()).Within(1e-15));
            Assert.That(groups[i].WeightDecay, Is.EqualTo(wanted[i].GetProperty("weight_decay").GetDouble()));
        }
    }
}
