using System.Buffers;
using System.Text.Json;

namespace KernelTune.Checkpoints;

/// <summary>A config.json for a GGUF file that comes without one, out of the file's own metadata.</summary>
internal static class GgufConfig
{
    /// <exception cref="CheckpointException">The metadata does not say enough, or says what config.json cannot be made of.</exception>
    public static JsonSettings Derive(GgufFile file, GgufWeights weights)
    {
        var architecture = weights.Architecture;
        if (architecture is not ("llama" or "qwen2"))
            throw new CheckpointException(file.Location, $"architecture {CheckpointException.Quote(architecture)} needs a config.json beside the file");
        if (weights.Unmapped.Contains("rope_freqs.weight"))
            throw new CheckpointException(
                file.Location, "the file scales its rotary frequencies (rope_freqs.weight); a config.json with rope_scaling wanted beside it");

        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            Write(writer, file, architecture, weights);
            writer.WriteEndObject();
        }

        return JsonSettings.Parse(file.Location, json.WrittenMemory);
    }

    private static void Write(Utf8JsonWriter writer, GgufFile file, string architecture, GgufWeights weights)
    {
        long Need(string key) => file.Integer($"{architecture}.{key}")
            ?? throw new CheckpointException(file.Location, $"key \"{architecture}.{key}\": absent, an integer wanted");

        var window = file.Integer($"{architecture}.attention.sliding_window") is > 0 and var w ? w : default(long?);
        var type = architecture == "llama" && window is not null ? "mistral" : architecture;
        writer.WriteStartArray("architectures");
        writer.WriteStringValue(type switch { "mistral" => "MistralForCausalLM", "qwen2" => "Qwen2ForCausalLM", _ => "LlamaForCausalLM" });
        writer.WriteEndArray();
        writer.WriteString("model_type", type);

        var heads = Need("attention.head_count");
        writer.WriteNumber("hidden_size", Need("embedding_length"));
        writer.WriteNumber("intermediate_size", Need("feed_forward_length"));
        writer.WriteNumber("num_hidden_layers", Need("block_count"));
        writer.WriteNumber("num_attention_heads", heads);
        writer.WriteNumber("num_key_value_heads", file.Integer($"{architecture}.attention.head_count_kv") ?? heads);
        if (file.Integer($"{architecture}.attention.key_length") is { } headSize)
            writer.WriteNumber("head_dim", headSize);
        writer.WriteNumber("max_position_embeddings", Need("context_length"));
        writer.WriteNumber("vocab_size", weights.Get("model.embed_tokens.weight").Rows);
        writer.WriteString("hidden_act", "silu");
        // Both are stored as float32: 1e-5 is meant, not the double that the float happens to be.
        writer.WriteNumber("rms_norm_eps", (float)(file.Real($"{architecture}.attention.layer_norm_rms_epsilon")
            ?? throw new CheckpointException(file.Location, $"key \"{architecture}.attention.layer_norm_rms_epsilon\": absent, a number wanted")));
        writer.WriteNumber("rope_theta", (float)(file.Real($"{architecture}.rope.freq_base") ?? 10000));
        WriteScaling(writer, file, architecture);
        if (window is { } positions)
            writer.WriteNumber("sliding_window", positions);
        if (architecture == "llama")
            writer.WriteBoolean("attention_bias", weights.TryGet("model.layers.0.self_attn.q_proj.bias", out _));
        writer.WriteBoolean("tie_word_embeddings", !weights.TryGet("lm_head.weight", out _));
        WriteToken(writer, file, "bos_token_id", "tokenizer.ggml.bos_token_id");
        WriteToken(writer, file, "eos_token_id", "tokenizer.ggml.eos_token_id");
        WriteToken(writer, file, "pad_token_id", "tokenizer.ggml.padding_token_id");
    }

    private static void WriteScaling(Utf8JsonWriter writer, GgufFile file, string architecture)
    {
        var key = $"{architecture}.rope.scaling.type";
        var type = file.Text(key);
        if (type is null or "none")
            return;
        if (type is not ("linear" or "yarn"))
            throw new CheckpointException(file.Location, $"key \"{key}\": {CheckpointException.Quote(type)} was found, none, linear or yarn wanted");
        writer.WriteStartObject("rope_scaling");
        writer.WriteString("rope_type", type);
        writer.WriteNumber("factor", (float)(file.Real($"{architecture}.rope.scaling.factor")
            ?? throw new CheckpointException(file.Location, $"key \"{architecture}.rope.scaling.factor\": absent, a number wanted")));
        if (file.Integer($"{architecture}.rope.scaling.original_context_length") is { } original)
            writer.WriteNumber("original_max_position_embeddings", original);
        writer.WriteEndObject();
    }

    private static void WriteToken(Utf8JsonWriter writer, GgufFile file, string name, string key)
    {
        if (file.Integer(key) is { } id)
            writer.WriteNumber(name, id);
    }
}
