using System.Globalization;
using System.Text;
using KernelTune.Checkpoints;
using KernelTune.Data;
using KernelTune.Devices;
using KernelTune.Methods;
using KernelTune.Models;
using KernelTune.Training.Recipes;
using KernelTune.Training.Runs;

namespace KernelTune.Bench;

/// <summary>What whole-step benchmarks run: a model's shape with random weights, random tokens, every position labelled.</summary>
internal static class Workload
{
    /// <summary>LoRA of rank 8 on every linear layer, clipped: the step that torch_step.py takes.</summary>
    public static Recipe Lora(int rank = 8) => new()
    {
        Init = Initialization.Random,
        Method = MethodKind.Lora,
        Lora = new LoraSettings { Config = new LoraConfig { R = rank, LoraAlpha = 2 * rank, TargetModules = ModuleSelection.Matching(ModuleSelection.AllLinear) } },
        Training = new TrainingSettings { MaxGradNorm = 1 },
    };

    /// <summary>A model with weights.</summary>
    public static TrainableModel Model(Recipe recipe, JsonSettings config, Device device)
    {
        var model = new TrainableModel(recipe, config, device);
        ModelWeights.Initialize(model.Model, device, 1);
        model.Method.Initialize(device, 1);
        return model;
    }

    /// <summary>One learning rate a group.</summary>
    public static double[] Rates(TrainableModel model) => [.. Enumerable.Repeat(1e-4, model.Optimizer.Groups.Count)];

    public static Batch Tokens(int rows, int columns, int vocabulary)
    {
        var random = new Random(7);
        var ids = new int[rows * columns];
        for (int i = 0; i < ids.Length; i++)
            ids[i] = random.Next(vocabulary);
        return new Batch { Rows = rows, Columns = columns, InputIds = ids, Labels = (int[])ids.Clone(), Tokens = ids.Length };
    }

    /// <summary>A model's config.json.</summary>
    /// <param name="model">smollm2-135m or gpt2.</param>
    /// <param name="layers">How many layers; null: as many as it has.</param>
    public static JsonSettings Config(string model, int? layers = null)
    {
        string Layers(int own) => (layers ?? own).ToString(CultureInfo.InvariantCulture);
        return JsonSettings.Parse("config.json", Encoding.UTF8.GetBytes(model switch
        {
            "smollm2-135m" => """{"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":576,"num_hidden_layers":"""
                + Layers(30) + ""","num_attention_heads":9,"num_key_value_heads":3,"intermediate_size":1536,"vocab_size":49152,"max_position_embeddings":8192,"tie_word_embeddings":true,"rms_norm_eps":1e-5}""",
            "gpt2" => """{"architectures":["GPT2LMHeadModel"],"model_type":"gpt2","n_embd":768,"n_layer":"""
                + Layers(12) + ""","n_head":12,"vocab_size":50257,"n_positions":1024,"resid_pdrop":0.0,"embd_pdrop":0.0,"attn_pdrop":0.0}""",
            _ => throw new ArgumentException($"model {model}: smollm2-135m or gpt2"),
        }));
    }
}
