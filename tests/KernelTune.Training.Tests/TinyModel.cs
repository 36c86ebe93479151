using System.Text;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Models;

namespace KernelTune.Training.Tests;

/// <summary>Small models with weights drawn from a seed.</summary>
internal static class TinyModel
{
    public static CausalLanguageModel Llama() => Of("""
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 31, "hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64, "initializer_range": 0.4, "attention_bias": true, "pad_token_id": 0}
        """);

    public static CausalLanguageModel Gpt2() => Of("""
        {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": 31, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 64, "initializer_range": 0.4,
        "embd_pdrop": 0, "attn_pdrop": 0, "resid_pdrop": 0}
        """);

    public static CausalLanguageModel T5() => Of("""
        {"architectures": ["T5ForConditionalGeneration"], "model_type": "t5", "vocab_size": 31, "d_model": 16, "d_kv": 6, "d_ff": 20, "num_layers": 2, "num_decoder_layers": 3, "num_heads": 2,
        "relative_attention_num_buckets": 8, "relative_attention_max_distance": 12, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": false, "dropout_rate": 0,
        "decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1}
        """);

    public static CausalLanguageModel Of(string architecture) => architecture switch
    {
        "t5" => T5(),
        "llama" => Llama(),
        "gpt2" => Gpt2(),
        _ => ModelRegistry.CausalLanguageModel(JsonSettings.Parse("config.json", Encoding.UTF8.GetBytes(architecture))),
    };

    /// <summary>Draws all weights; biases and norms too, so that each of them matters.</summary>
    public static void Draw(CausalLanguageModel model, Device device)
    {
        ModelWeights.Initialize(model, device, 5);
        foreach (var parameter in model.BaseParameters().Where(p => p.Shape.Length == 1))
        {
            var numbers = new float[parameter.Shape.Elements];
            new RandomStream(9, parameter.Path).Fill(numbers, FreshWeight.Normal(0.2));
            if (!parameter.Path.EndsWith(".bias", StringComparison.Ordinal))
                numbers = Array.ConvertAll(numbers, n => 1 + n);
            parameter.Load(device, numbers);
        }
    }
}
