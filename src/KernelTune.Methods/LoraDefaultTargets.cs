namespace KernelTune.Methods;

/// <summary>The layers that LoRA goes on when target_modules is not given, by the model's type (PEFT's table).</summary>
public static class LoraDefaultTargets
{
    private static readonly Dictionary<string, string[]> ByModelType = Table();

    /// <summary>The defaults of a model type ("llama", "gpt2" …).</summary>
    /// <exception cref="MethodException">The type has none: target_modules must be given.</exception>
    public static ModuleSelection Of(string modelType) => ByModelType.TryGetValue(modelType, out string[]? names)
        ? ModuleSelection.Of(names)
        : throw new MethodException($"target_modules is not given, and models of type '{modelType}' have no default: name the layers, or say {ModuleSelection.AllLinear}");

    private static Dictionary<string, string[]> Table()
    {
        Dictionary<string, string[]> table = new(StringComparer.Ordinal)
        {
            ["deberta-v2"] = ["query_proj", "value_proj"],
            ["deberta"] = ["in_proj"],
            ["mpt"] = ["Wqkv"],
            ["btlm"] = ["c_proj", "c_attn"],
            ["codegen"] = ["qkv_proj"],
            ["phi"] = ["q_proj", "v_proj", "fc1", "fc2"],
            ["nemotron_h"] = ["q_proj", "k_proj", "v_proj", "o_proj"],
            ["blip-2"] = ["q", "v", "q_proj", "v_proj"],
        };
        Add(["q", "v"], "t5", "mt5");
        Add(["c_attn"], "gpt2", "gpt_bigcode");
        Add(["query", "value"], "bert", "roberta", "xlm-roberta", "electra", "layoutlm");
        Add(["query_key_value"], "bloom", "gpt_neox", "chatglm", "RefinedWebModel", "RefinedWeb", "falcon");
        Add(
            ["q_proj", "v_proj"], "bart", "opt", "gptj", "gpt_neo", "llama", "llama4", "mistral", "mixtral", "stablelm", "gemma", "gemma2", "gemma3_text",
            "qwen2", "qwen3");
        return table;

        void Add(string[] names, params string[] types)
        {
            foreach (string type in types)
                table[type] = names;
        }
    }
}
