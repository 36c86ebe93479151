using KernelTune.Data;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using KernelTune.Checkpoints;
using KernelTune.Kernels.Numerics;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Training.Recipes;
using KernelTune.Training.Schedules;

namespace KernelTune.Training.Tests.Runs;

/// <summary>A folder with everything a run needs, gone when the test is over: a Llama of two layers with random weights, a tokenizer of bytes, questions with answers.</summary>
internal sealed class TinyWorld : IDisposable
{
    public const int Vocabulary = 259;

    private readonly bool owned;

    public TinyWorld(string? folder = null)
    {
        owned = folder is null;
        Folder = folder ?? Directory.CreateTempSubdirectory("kerneltune-run-").FullName;
        if (!Directory.Exists(Model))
            Build();
    }

    public string Folder { get; }

    public string Model => Path.Combine(Folder, "model");

    public string this[string name] => Path.Combine(Folder, name);

    /// <summary>A recipe of six steps over the world's data, in the order of the file.</summary>
    public Recipe Recipe(MethodKind method, string output = "run") => new()
    {
        Model = Model,
        Method = method,
        Lora = new LoraSettings { Config = new LoraConfig { R = 4, LoraAlpha = 8, TargetModules = ModuleSelection.Matching(ModuleSelection.AllLinear) } },
        Prompt = new PromptTuningConfig { NumVirtualTokens = 5 },
        Prefix = new PrefixTuningConfig { NumVirtualTokens = 3, PrefixProjection = true, EncoderHiddenSize = 12 },
        Bottleneck = BottleneckConfig.Named("houlsby") with { ReductionFactor = 4 },
        BitFit = new BitFitConfig { AddBiases = true },
        Data = new DataSettings { Train = [new DataFile(this["train.jsonl"])], MaxLength = 48, Packing = false, Shuffle = false },
        Optimizer = new OptimizerSettings { LearningRate = RateOf(method) },
        Schedule = new ScheduleSettings { Type = "constant" },
        Training = new TrainingSettings { MaxSteps = 6, BatchSize = 4, GradientAccumulationSteps = 1 },
        Output = this[output],
    };

    /// <summary>The methods that suit its model, whose head is tied.</summary>
    public static IEnumerable<MethodKind> Methods { get; } = Enum.GetValues<MethodKind>().Where(m => m != MethodKind.HeadOnly);

    /// <summary>Whether a method can train on packed sequences: virtual tokens cannot stand in front of each.</summary>
    public static bool Packs(MethodKind method) => method is not (MethodKind.Prompt or MethodKind.Prefix);

    private static double RateOf(MethodKind method) => method switch
    {
        MethodKind.Full => 5e-3,
        MethodKind.Prompt => 0.5,
        MethodKind.Prefix or MethodKind.BitFit => 0.1,
        MethodKind.Ia3 => 0.3,
        _ => 2e-2,
    };

    /// <summary>Writes rows of prompt and completion.</summary>
    public string Rows(string name, int count, int from = 0, Func<int, (string Prompt, string Completion)>? row = null)
    {
        var text = new StringBuilder();
        for (int i = from; i < from + count; i++)
        {
            var (prompt, completion) = (row ?? Question)(i);
            text.Append(new JsonObject { ["prompt"] = prompt, ["completion"] = completion }.ToJsonString()).Append('\n');
        }
        File.WriteAllText(this[name], text.ToString());
        return this[name];
    }

    /// <summary>Rewrites config.json.</summary>
    public void Configure(Action<JsonObject> change)
    {
        string path = Path.Combine(Model, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(config);
        File.WriteAllText(path, config.ToJsonString());
    }

    /// <summary>Makes its model a GPT-2, whose layers are stored transposed. The weights are to be drawn again.</summary>
    public void BecomeGpt2() => File.WriteAllText(Path.Combine(Model, "config.json"), """
        {"architectures":["GPT2LMHeadModel"],"model_type":"gpt2","n_embd":32,"n_head":4,"n_layer":2,"n_positions":64,"vocab_size":259,"embd_pdrop":0.0,"resid_pdrop":0.0,
         "attn_pdrop":0.0,"bos_token_id":256,"eos_token_id":257}
        """);

    /// <summary>Makes its model a T5. The weights are to be drawn again.</summary>
    public void BecomeT5() => File.WriteAllText(Path.Combine(Model, "config.json"), """
        {"architectures":["T5ForConditionalGeneration"],"model_type":"t5","d_model":32,"d_kv":8,"d_ff":48,"num_layers":2,"num_heads":4,"vocab_size":259,"dropout_rate":0.0,
         "relative_attention_num_buckets":8,"relative_attention_max_distance":16,"feed_forward_proj":"gated-gelu","tie_word_embeddings":true,
         "decoder_start_token_id":258,"eos_token_id":257,"pad_token_id":258}
        """);

    /// <summary>Draws the weights of the configuration; <paramref name="change"/> may spoil them.</summary>
    public void Weights(ulong seed = 1, DType type = DType.F32, Action<string, float[]>? change = null)
    {
        var model = ModelRegistry.CausalLanguageModel(JsonSettings.Read(Path.Combine(Model, "config.json")));
        var tensors = new List<TensorToSave>();
        foreach (var parameter in model.BaseParameters())
        {
            var numbers = new float[parameter.Shape.Elements];
            if (parameter.Shape.Length == 1)
                Array.Fill(numbers, 1);
            else
                new RandomStream(seed, parameter.Path).Fill(numbers, FreshWeight.Normal(0.15));
            change?.Invoke(parameter.Path, numbers);
            tensors.Add(TensorToSave.Of(model.CheckpointKeys(parameter).First(), [.. parameter.Shape.ToArray().Select(n => (long)n)], numbers, type));
        }
        SafetensorsWriter.Save(Path.Combine(Model, "model.safetensors"), tensors);
    }

    public void Dispose()
    {
        if (owned)
            Directory.Delete(Folder, recursive: true);
    }

    private void Build()
    {
        Directory.CreateDirectory(Model);
        File.WriteAllText(Path.Combine(Model, "config.json"), """
            {"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":32,"intermediate_size":64,"num_hidden_layers":2,"num_attention_heads":4,
             "num_key_value_heads":2,"vocab_size":259,"max_position_embeddings":64,"rms_norm_eps":1e-6,"rope_theta":10000.0,"tie_word_embeddings":true,
             "hidden_act":"silu","bos_token_id":256,"eos_token_id":257,"pad_token_id":258,"dtype":"float32"}
            """);
        File.WriteAllText(Path.Combine(Model, "tokenizer_config.json"), """
            {"bos_token":"<s>","eos_token":"</s>","pad_token":"<pad>",
             "chat_template":"{% for m in messages %}{{ '<s>' + m['role'] + ':' + m['content'] + '</s>' }}{% endfor %}{% if add_generation_prompt %}{{ '<s>assistant:' }}{% endif %}"}
            """);
        File.WriteAllText(Path.Combine(Model, "generation_config.json"), """{"eos_token_id":257,"max_new_tokens":8}""");
        File.WriteAllText(Path.Combine(Model, "tokenizer.json"), Tokenizer());
        Weights();
        Rows("train.jsonl", 22);
        Rows("held.jsonl", 5, 100);
    }

    private static (string Prompt, string Completion) Question(int i) =>
        (string.Create(CultureInfo.InvariantCulture, $"{new string('q', 1 + (i % 5))}{i}="), string.Create(CultureInfo.InvariantCulture, $"a{i % 3}{new string('z', i % 4)}"));

    // Every byte a token, under GPT-2's printable names; no merges.
    private static string Tokenizer()
    {
        var vocabulary = new JsonObject();
        int next = 256;
        for (int b = 0; b < 256; b++)
        {
            bool own = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            vocabulary[((char)(own ? b : next++)).ToString()] = b;
        }
        var added = new JsonArray();
        foreach (var (id, content) in new[] { (256, "<s>"), (257, "</s>"), (258, "<pad>") })
        {
            added.Add(new JsonObject
            {
                ["id"] = id, ["content"] = content, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = true,
            });
        }
        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = added,
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true },
            ["post_processor"] = null,
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = true, ["trim_offsets"] = true, ["use_regex"] = true },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE", ["dropout"] = null, ["unk_token"] = null, ["continuing_subword_prefix"] = null, ["end_of_word_suffix"] = null, ["fuse_unk"] = false,
                ["byte_fallback"] = false, ["ignore_merges"] = false, ["vocab"] = vocabulary, ["merges"] = new JsonArray(),
            },
        }.ToJsonString(new JsonSerializerOptions());
    }
}
