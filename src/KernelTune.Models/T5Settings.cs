using KernelTune.Checkpoints;
using KernelTune.Modules;

namespace KernelTune.Models;

/// <summary>What distinguishes one T5 from another.</summary>
internal sealed record T5Settings
{
    public required int Width { get; init; }

    public required int HeadDim { get; init; }

    public required int Heads { get; init; }

    public required int Inner { get; init; }

    public required int EncoderLayers { get; init; }

    public required int DecoderLayers { get; init; }

    public required int Vocabulary { get; init; }

    public required int Buckets { get; init; }

    public required int MaxDistance { get; init; }

    public required double NormEps { get; init; }

    public required string Activation { get; init; }

    /// <summary>Whether the feed-forward block multiplies two projections (v1.1).</summary>
    public required bool Gated { get; init; }

    public required bool Tied { get; init; }

    /// <summary>Whether the head's input is multiplied by width^−½ (v1.0).</summary>
    public required bool ScalesOutputs { get; init; }

    public required double Dropout { get; init; }

    /// <summary>Reads a configuration of "t5" or "mt5", with the defaults of its kind.</summary>
    public static T5Settings Read(JsonSettings config)
    {
        bool multilingual = config.StringOrNull("model_type") == "mt5";
        int layers = config.Int("num_layers"), buckets = config.Int("relative_attention_num_buckets", 32), distance = config.Int("relative_attention_max_distance", 128);
        if (buckets < 4 || distance <= buckets / 2)
            throw config.Bad("relative_attention_num_buckets", $"{buckets} buckets for distances up to {distance}; at least 4 wanted, and distances beyond half of them");
        bool tied = config.Bool("tie_word_embeddings", !multilingual);
        var (activation, gated) = FeedForward(config, config.StringOrNull("feed_forward_proj") ?? (multilingual ? "gated-gelu" : "relu"));
        return new T5Settings
        {
            Width = config.Int("d_model"),
            HeadDim = config.Int("d_kv"),
            Heads = config.Int("num_heads"),
            Inner = config.Int("d_ff"),
            EncoderLayers = layers,
            DecoderLayers = config.IntOrNull("num_decoder_layers") ?? layers,
            Vocabulary = config.Int("vocab_size"),
            Buckets = buckets,
            MaxDistance = distance,
            NormEps = config.Double("layer_norm_epsilon", 1e-6),
            Activation = activation,
            Gated = gated,
            Tied = tied,
            ScalesOutputs = config.Bool("scale_decoder_outputs", tied),
            Dropout = config.Double("dropout_rate", 0.1),
        };
    }

    // "relu", "gated-gelu" (which is the approximated one), "gated-silu" …
    private static (string Activation, bool Gated) FeedForward(JsonSettings config, string projection)
    {
        string[] parts = projection.Split('-');
        bool gated = parts is ["gated", _];
        string activation = projection == "gated-gelu" ? "gelu_new" : parts[^1];
        return parts.Length == 1 || gated
            ? ActivationFunction.IsKnown(activation) ? (activation, gated) : throw config.Bad("feed_forward_proj", $"the activation '{activation}' is not known")
            : throw config.Bad("feed_forward_proj", $"{CheckpointException.Quote(projection)} was found, an activation or \"gated-\" and one wanted");
    }
}
