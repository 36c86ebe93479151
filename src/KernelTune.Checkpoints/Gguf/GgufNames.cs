namespace KernelTune.Checkpoints;

/// <summary>
/// GGUF's tensor names as Hugging Face's, for the architectures whose layout is known: "blk.3.attn_q.weight" is
/// "model.layers.3.self_attn.q_proj.weight". (llama.cpp, gguf-py/gguf/tensor_mapping.py.)
/// </summary>
internal static class GgufNames
{
    private static readonly Dictionary<string, string> DecoderTop = new(StringComparer.Ordinal)
    {
        ["token_embd"] = "model.embed_tokens",
        ["output_norm"] = "model.norm",
        ["output"] = "lm_head",
    };

    private static readonly Dictionary<string, string> DecoderLayer = new(StringComparer.Ordinal)
    {
        ["attn_norm"] = "input_layernorm",
        ["attn_q"] = "self_attn.q_proj",
        ["attn_k"] = "self_attn.k_proj",
        ["attn_v"] = "self_attn.v_proj",
        ["attn_output"] = "self_attn.o_proj",
        ["ffn_norm"] = "post_attention_layernorm",
        ["ffn_gate"] = "mlp.gate_proj",
        ["ffn_up"] = "mlp.up_proj",
        ["ffn_down"] = "mlp.down_proj",
    };

    private static readonly Dictionary<string, string> BertTop = new(StringComparer.Ordinal)
    {
        ["token_embd"] = "embeddings.word_embeddings",
        ["position_embd"] = "embeddings.position_embeddings",
        ["token_types"] = "embeddings.token_type_embeddings",
        ["token_embd_norm"] = "embeddings.LayerNorm",
        ["cls"] = "pooler.dense",
    };

    private static readonly Dictionary<string, string> BertLayer = new(StringComparer.Ordinal)
    {
        ["attn_q"] = "attention.self.query",
        ["attn_k"] = "attention.self.key",
        ["attn_v"] = "attention.self.value",
        ["attn_output"] = "attention.output.dense",
        ["attn_output_norm"] = "attention.output.LayerNorm",
        ["ffn_up"] = "intermediate.dense",
        ["ffn_down"] = "output.dense",
        ["layer_output_norm"] = "output.LayerNorm",
    };

    /// <summary>The architectures (general.architecture) that <see cref="Find"/> knows.</summary>
    public static IReadOnlyList<string> Architectures { get; } = ["llama", "qwen2", "bert"];

    /// <summary>llama.cpp stores Llama's query and key rows in the order that its rotary kernel wants; Qwen2 and BERT are stored as they are.</summary>
    public static bool PermutesHeads(string architecture) => architecture == "llama";

    /// <summary>Hugging Face's name, or null where the table has none.</summary>
    public static string? Find(string architecture, string name)
    {
        var (top, layers, prefix) = architecture == "bert" ? (BertTop, BertLayer, "encoder.layer.") : (DecoderTop, DecoderLayer, "model.layers.");
        var dot = name.LastIndexOf('.');
        if (dot < 0 || name[dot..] is not (".weight" or ".bias"))
            return null;
        var (stem, suffix) = (name[..dot], name[dot..]);
        if (top.TryGetValue(stem, out var known))
            return known + suffix;
        var parts = stem.Split('.');
        return parts is ["blk", var n, var what] && n.Length is > 0 and < 7 && n.All(char.IsAsciiDigit) && layers.TryGetValue(what, out var inLayer)
            ? $"{prefix}{n}.{inLayer}{suffix}"
            : null;
    }
}
