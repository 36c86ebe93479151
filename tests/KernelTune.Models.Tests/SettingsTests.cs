using KernelTune.Checkpoints;

namespace KernelTune.Models.Tests;

/// <summary>Configurations that must mean the same, that must not, and that are refused.</summary>
public sealed class SettingsTests
{
    private const string Mistral = """ "architectures": ["MistralForCausalLM"], "model_type": "mistral" """;
    private const string Qwen2 = """ "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2" """;

    private static IEnumerable<TestCaseData> Same()
    {
        TestCaseData Pair(string name, string text, string first, string second) => new TestCaseData(text, first, second).SetName(name);
        string llama = TinyModels.Llama, gpt2 = TinyModels.Gpt2;
        yield return Pair("rope_theta in both spellings", llama, """ "rope_parameters": {"rope_type": "default", "rope_theta": 77.0} """, """ "rope_theta": 77.0, "rope_scaling": null """);
        yield return Pair("linear scaling in both spellings", llama, """ "rope_parameters": {"rope_type": "linear", "rope_theta": 50.0, "factor": 3.0} """,
            """ "rope_theta": 50.0, "rope_scaling": {"type": "linear", "factor": 3.0} """);
        yield return Pair("llama3 scales from max_position_embeddings unless told otherwise", llama,
            """ "rope_parameters": {"rope_type": "llama3", "rope_theta": 50.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0} """,
            """ "rope_parameters": {"rope_type": "llama3", "rope_theta": 50.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32} """);
        yield return Pair("original_max_position_embeddings outside comes first", llama,
            """ "original_max_position_embeddings": 16, "rope_parameters": {"rope_type": "yarn", "rope_theta": 50.0, "factor": 4.0, "original_max_position_embeddings": 8} """,
            """ "rope_parameters": {"rope_type": "yarn", "rope_theta": 50.0, "factor": 4.0, "original_max_position_embeddings": 16} """);
        yield return Pair("longrope takes its factor before the ratio of lengths", llama,
            """ "rope_parameters": {"rope_type": "longrope", "rope_theta": 50.0, "factor": 1.0, "original_max_position_embeddings": 8, "short_factor": [1, 1], "long_factor": [2, 3]} """,
            """ "rope_parameters": {"rope_type": "longrope", "rope_theta": 50.0, "attention_factor": 1.0, "original_max_position_embeddings": 8, "short_factor": [1, 1], "long_factor": [2, 3]} """);
        yield return Pair("head_dim null is hidden_size / heads", llama, """ "head_dim": null """, """ "head_dim": 4 """);
        yield return Pair("no grouping where num_key_value_heads is null", llama, """ "num_key_value_heads": null """, """ "num_key_value_heads": 4 """);
        yield return Pair("swish is silu", llama, """ "hidden_act": "swish" """, """ "hidden_act": "silu" """);
        yield return Pair("gelu_pytorch_tanh is gelu_new", llama, """ "hidden_act": "gelu_pytorch_tanh" """, """ "hidden_act": "gelu_new" """);
        yield return Pair("Llama knows no window", llama, """ "sliding_window": 3 """, "");
        yield return Pair("Mistral does not look at layer_types", llama, Mistral + """, "sliding_window": 3, "layer_types": ["full_attention", "full_attention"] """, Mistral + """, "sliding_window": 3 """);
        yield return Pair("Mistral's window is 4096 where none is given", llama, Mistral, Mistral + """, "sliding_window": null """);
        yield return Pair("Qwen2's window is off unless it is used", llama, Qwen2 + """, "sliding_window": 3, "use_sliding_window": false, "max_window_layers": 0 """, Qwen2);
        yield return Pair("Qwen2's layer_types say what max_window_layers says", llama, Qwen2 + """, "sliding_window": 3, "use_sliding_window": true, "max_window_layers": 1 """,
            Qwen2 + """, "sliding_window": 3, "use_sliding_window": true, "layer_types": ["full_attention", "sliding_attention"] """);
        yield return Pair("GPT-2 under the general names", gpt2, "", """ "n_embd": null, "hidden_size": 16, "n_head": null, "num_attention_heads": 4, "n_layer": null, "num_hidden_layers": 2 """);
        yield return Pair("GPT-2's n_inner is four times its width", gpt2, """ "n_inner": null """, """ "n_inner": 64 """);
    }

    private static IEnumerable<TestCaseData> Different()
    {
        TestCaseData Pair(string name, string text, string first, string second) => new TestCaseData(text, first, second).SetName(name);
        yield return Pair("a window matters", TinyModels.Llama, Mistral + """, "sliding_window": 3 """, Mistral + """, "sliding_window": null """);
        yield return Pair("the layer of a window matters", TinyModels.Llama, Qwen2 + """, "sliding_window": 3, "use_sliding_window": true, "max_window_layers": 1 """,
            Qwen2 + """, "sliding_window": 3, "use_sliding_window": true, "max_window_layers": 0 """);
        yield return Pair("dynamic scaling grows with the length", TinyModels.Llama, """ "max_position_embeddings": 8, "rope_parameters": {"rope_type": "dynamic", "rope_theta": 50.0, "factor": 2.0} """,
            """ "max_position_embeddings": 8, "rope_parameters": {"rope_type": "default", "rope_theta": 50.0} """);
        yield return Pair("relu2 is not relu", TinyModels.Llama, """ "hidden_act": "relu2" """, """ "hidden_act": "relu" """);
        yield return Pair("scores without scale", TinyModels.Gpt2, """ "scale_attn_weights": false """, "");
        yield return Pair("scores by layer", TinyModels.Gpt2, """ "scale_attn_by_inverse_layer_idx": true """, "");
        yield return Pair("an untied head", TinyModels.Gpt2, """ "tie_word_embeddings": false """, "");
    }

    [TestCaseSource(nameof(Same))]
    public void Means_the_same(string text, string first, string second) =>
        Assert.That(TinyModels.Loss(TinyModels.Settings(text, first)), Is.EqualTo(TinyModels.Loss(TinyModels.Settings(text, second))));

    [TestCaseSource(nameof(Different))]
    public void Means_another(string text, string first, string second) =>
        Assert.That(TinyModels.Loss(TinyModels.Settings(text, first)), Is.Not.EqualTo(TinyModels.Loss(TinyModels.Settings(text, second))).Within(1e-4));

    [TestCase(""" "architectures": ["MambaForCausalLM"] """, "key \"architectures\": \"MambaForCausalLM\" is not known; known are LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM, GPT2LMHeadModel, T5ForConditionalGeneration, MT5ForConditionalGeneration")]
    [TestCase(""" "num_key_value_heads": 3 """, "key \"num_key_value_heads\": num_attention_heads 4 is not a multiple of it: 3")]
    [TestCase(""" "hidden_size": 18 """, "key \"hidden_size\": 18 is not a multiple of num_attention_heads 4, and there is no head_dim")]
    [TestCase(""" "rope_parameters": {"rope_type": "spiral"} """, "key \"rope_parameters\": rope_type 'spiral' is not known: default, linear, dynamic, llama3, yarn or longrope")]
    [TestCase(""" "rope_scaling": {"type": "linear"} """, "key \"rope_scaling\": rope_type 'linear' wants factor")]
    public void Refused(string more, string message) =>
        Assert.That(() => ModelRegistry.CausalLanguageModel(TinyModels.Settings(TinyModels.Llama, more)), Throws.TypeOf<CheckpointException>().With.Message.EqualTo("config.json: " + message));

    [Test]
    public void An_activation_that_is_not_known_is_refused() =>
        Assert.That(() => ModelRegistry.CausalLanguageModel(TinyModels.Settings(TinyModels.Llama, """ "hidden_act": "wobble" """)),
            Throws.TypeOf<ModelException>().With.Message.EqualTo("config.json: the activation 'wobble' is not known"));

    [Test]
    public void Cross_attention_is_refused() =>
        Assert.That(() => ModelRegistry.CausalLanguageModel(TinyModels.Settings(TinyModels.Gpt2, """ "add_cross_attention": true """)),
            Throws.TypeOf<CheckpointException>().With.Message.Contain("a decoder with cross-attention is not built"));
}
