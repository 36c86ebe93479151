using System.Globalization;
using System.Text;
using KernelTune.Text;
using KernelTune.Text.Training;

namespace KernelTune.QuickstartText;

/// <summary>The small model's folder before it has weights: a tokenizer trained on the text, a chat template, a configuration.</summary>
public static class ModelFolder
{
    private const string End = "<|im_end|>", Start = "<|im_start|>", Padding = "<|endoftext|>";

    // ChatML. A turn ends with the token that ends every document of the pretraining text.
    private const string Template =
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    /// <summary>Writes tokenizer.json, tokenizer_config.json, chat_template.jinja and config.json into <paramref name="folder"/>.</summary>
    /// <param name="folder">Created where it is absent.</param>
    /// <param name="documents">What the tokenizer is trained on.</param>
    /// <param name="vocabulary">The most tokens.</param>
    public static void Write(string folder, IEnumerable<string> documents, int vocabulary)
    {
        Directory.CreateDirectory(folder);
        // The words of the chat format, so that they are not spelled in letters.
        IEnumerable<string> texts = [.. documents, .. Enumerable.Repeat("user\nassistant\n", 500)];
        Tokenizer tokenizer = BpeTrainer.Train(texts, new BpeTrainerOptions { VocabSize = vocabulary, SpecialTokens = [Padding, Start, End] });
        tokenizer.Save(folder);
        Write("chat_template.jinja", Template);
        Write("tokenizer_config.json", $$"""
            {
              "bos_token": "{{Start}}",
              "eos_token": "{{End}}",
              "pad_token": "{{Padding}}",
              "model_max_length": 512,
              "tokenizer_class": "PreTrainedTokenizerFast"
            }
            """);
        Write("config.json", string.Create(CultureInfo.InvariantCulture, $$"""
            {
              "architectures": ["LlamaForCausalLM"],
              "model_type": "llama",
              "attention_bias": false,
              "bos_token_id": 1,
              "eos_token_id": 2,
              "pad_token_id": 0,
              "head_dim": 32,
              "hidden_act": "silu",
              "hidden_size": 128,
              "initializer_range": 0.05,
              "intermediate_size": 384,
              "max_position_embeddings": 512,
              "mlp_bias": false,
              "num_attention_heads": 4,
              "num_hidden_layers": 4,
              "num_key_value_heads": 2,
              "rms_norm_eps": 1e-05,
              "rope_theta": 10000.0,
              "tie_word_embeddings": true,
              "vocab_size": {{tokenizer.VocabSize}}
            }
            """));

        void Write(string name, string text) => File.WriteAllText(Path.Combine(folder, name), text.TrimEnd('\n') + (name.EndsWith(".jinja", StringComparison.Ordinal) ? "" : "\n"), new UTF8Encoding(false));
    }
}
