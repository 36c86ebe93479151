using System.Text;
using KernelTune.Autograd;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Reference;
using KernelTune.Kernels.Numerics;
using KernelTune.Modules;

namespace KernelTune.Models.Tests;

/// <summary>Small models out of a configuration's text, with weights drawn from a seed, on the reference device.</summary>
internal static class TinyModels
{
    public const string Llama = """
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 31, "hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 32, "initializer_range": 0.4
        """;

    public const string Gpt2 = """
        "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": 31, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 32, "initializer_range": 0.4,
        "embd_pdrop": 0, "attn_pdrop": 0, "resid_pdrop": 0
        """;

    /// <summary>The settings, with others in their place or besides.</summary>
    public static JsonSettings Settings(string text, string more = "")
    {
        var json = System.Text.Json.Nodes.JsonNode.Parse("{" + text + "}")!.AsObject();
        foreach (var (key, value) in System.Text.Json.Nodes.JsonNode.Parse("{" + more + "}")!.AsObject())
            json[key] = value?.DeepClone();
        return JsonSettings.Parse("config.json", Encoding.UTF8.GetBytes(json.ToJsonString()));
    }

    /// <summary>The loss of twelve tokens in one row; all parameters come from their names alone.</summary>
    public static double Loss(JsonSettings settings, Func<Session, TokenInput, TokenInput>? change = null)
    {
        using var device = new ReferenceDevice();
        CausalLanguageModel model = ModelRegistry.CausalLanguageModel(settings);
        ModelWeights.Initialize(model, device, 5);
        double[] loss = new double[1];
        using (var session = new Session(device))
        {
            long[] ids = [1, 7, 30, 4, 9, 12, 0, 25, 3, 3, 17, 22];
            var shape = new Shape(1, ids.Length);
            var input = new TokenInput(session.Upload<long>(ids, shape, DType.I64));
            Tensor targets = session.Upload<long>([.. ids[1..], -100], shape, DType.I64);
            Tensor mean = model.Loss(change?.Invoke(session, input) ?? input, targets);
            device.Read<double>(mean.View, loss);
        }

        foreach (Parameter parameter in model.BaseParameters())
            parameter.Dispose();
        Assert.That(device.Outstanding, Is.Zero);
        return loss[0];
    }
}
