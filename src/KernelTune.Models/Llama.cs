using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;
using KernelTune.Modules;

namespace KernelTune.Models;

/// <summary>What distinguishes one model of the Llama family from another.</summary>
internal sealed record LlamaSettings
{
    public required int Hidden { get; init; }

    public required int Intermediate { get; init; }

    public required int Layers { get; init; }

    public required int Heads { get; init; }

    public required int KeyValueHeads { get; init; }

    public required int HeadDim { get; init; }

    public required int Vocabulary { get; init; }

    public required int MaxPositions { get; init; }

    public required double NormEps { get; init; }

    public required RopeParameters Rope { get; init; }

    public required string Activation { get; init; }

    public required bool Tied { get; init; }

    public required bool QkvBias { get; init; }

    public required bool OutputBias { get; init; }

    public required bool MlpBias { get; init; }

    public required int PaddingIndex { get; init; }

    /// <summary>The window of each layer, in keys with the token itself; 0: none.</summary>
    public required int[] Windows { get; init; }

    /// <summary>Reads a configuration, with the defaults of the family that it names.</summary>
    public static LlamaSettings Read(JsonSettings config, string family)
    {
        int hidden = config.Int("hidden_size"), heads = config.Int("num_attention_heads"), layers = config.Int("num_hidden_layers");
        // Mistral's class has a default of its own where the key is absent; null means no grouping everywhere.
        int keyValueHeads = config.IntOrNull("num_key_value_heads") ?? (family == "mistral" && IsAbsent(config, "num_key_value_heads") ? 8 : heads);
        if (config.IntOrNull("head_dim") is null && hidden % heads != 0)
            throw config.Bad("hidden_size", $"{hidden} is not a multiple of num_attention_heads {heads}, and there is no head_dim");
        if (keyValueHeads < 1 || heads % keyValueHeads != 0)
            throw config.Bad("num_key_value_heads", $"num_attention_heads {heads} is not a multiple of it: {keyValueHeads}");
        bool attentionBias = family == "llama" && config.Bool("attention_bias", false);
        return new LlamaSettings
        {
            Hidden = hidden,
            Intermediate = config.Int("intermediate_size"),
            Layers = layers,
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            HeadDim = config.IntOrNull("head_dim") ?? hidden / heads,
            Vocabulary = config.Int("vocab_size"),
            MaxPositions = config.Int("max_position_embeddings", 2048),
            NormEps = config.Double("rms_norm_eps", 1e-6),
            Rope = RopeSettings.Read(config, 10000, config.IntOrNull("head_dim") ?? hidden / heads, config.Int("max_position_embeddings", 2048)),
            Activation = config.StringOrNull("hidden_act") ?? "silu",
            Tied = config.Bool("tie_word_embeddings", false),
            QkvBias = family == "qwen2" || attentionBias,
            OutputBias = attentionBias,
            MlpBias = family == "llama" && config.Bool("mlp_bias", false),
            PaddingIndex = PaddingRow(config),
            Windows = WindowsOf(config, family, layers),
        };
    }

    private static int[] WindowsOf(JsonSettings config, string family, int layers)
    {
        var windows = new int[layers];
        int window = config.IntOrNull("sliding_window") ?? (IsAbsent(config, "sliding_window") ? 4096 : 0);
        if (family == "llama" || window == 0 || (family == "qwen2" && !config.Bool("use_sliding_window", false)))
            return windows;
        var types = family == "qwen2" && config.Has("layer_types") ? config.Strings("layer_types") : null;
        if (types is not null && types.Count != layers)
            throw config.Bad("layer_types", $"{types.Count} entries for {layers} layers");
        int first = family == "qwen2" ? config.Int("max_window_layers", 28) : 0;
        for (int i = 0; i < layers; i++)
            windows[i] = (types is not null ? types[i] == "sliding_attention" : i >= first) ? window : 0;
        return windows;
    }

    private static bool IsAbsent(JsonSettings config, string key) => !config.Root.TryGetProperty(key, out _);

    // As torch's Embedding counts: a negative row is one from the end (early Llama files say −1).
    private static int PaddingRow(JsonSettings config) => config.IntOrNull("pad_token_id") switch
    {
        null => -1,
        < 0 and { } fromEnd => config.Int("vocab_size") + fromEnd,
        { } row => row,
    };
}

/// <summary>
/// Llama (Touvron et al., 2023), Mistral (Jiang et al., 2023) and Qwen2 (Yang et al., 2024): pre-norm decoders with rotary positions, grouped query heads and a gated
/// feed-forward block. SmolLM2 is a Llama. They differ in biases and windows only.
/// </summary>
public sealed class Llama : CausalLanguageModel
{
    private readonly LlamaSettings settings;
    private readonly Sublayer[] attention;
    private readonly Sublayer[] feedForward;
    private readonly RmsNorm norm;

    /// <param name="config">config.json.</param>
    /// <param name="architecture">architectures[0].</param>
    /// <param name="family">"llama", "mistral" or "qwen2".</param>
    /// <exception cref="CheckpointException">A setting is missing, of the wrong type, or does not fit with another.</exception>
    public Llama(JsonSettings config, string architecture, string family)
        : base(config, architecture)
    {
        settings = LlamaSettings.Read(config, family);
        var s = settings;
        TokenTable = Child(new Embedding("model.embed_tokens", s.Vocabulary, s.Hidden, s.PaddingIndex));
        attention = new Sublayer[s.Layers];
        feedForward = new Sublayer[s.Layers];
        for (int i = 0; i < s.Layers; i++)
        {
            string layer = $"model.layers.{i}";
            attention[i] = Child(new Sublayer(layer, i, SublayerKind.Attention, new RmsNorm($"{layer}.input_layernorm", s.Hidden, s.NormEps), new LlamaAttention($"{layer}.self_attn", s, i)));
            feedForward[i] = Child(new Sublayer(layer, i, SublayerKind.FeedForward, new RmsNorm($"{layer}.post_attention_layernorm", s.Hidden, s.NormEps), new LlamaMlp($"{layer}.mlp", s)));
        }
        norm = Child(new RmsNorm("model.norm", s.Hidden, s.NormEps));
        Head = Child(new Linear("lm_head", s.Hidden, s.Vocabulary, tied: s.Tied ? TokenTable.Weight : null, isOutputHead: true));
    }

    public override int VocabularySize => settings.Vocabulary;

    public override int Layers => settings.Layers;

    public override int HiddenSize => settings.Hidden;

    public override int KeyValueHeads => settings.KeyValueHeads;

    public override int HeadDim => settings.HeadDim;

    public override int Heads => settings.Heads;

    public override int MaxPositions => settings.MaxPositions;

    public override Linear Head { get; }

    public override Embedding TokenTable { get; }

    public override bool IsKnownBuffer(string key) => key.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal);

    public override Tensor Forward(in TokenInput x)
    {
        var session = x.Session;
        var hidden = x.Prompt is { } prompt ? SoftPrompt.Before(prompt, TokenTable.Call(x.Ids)) : TokenTable.Call(x.Ids);
        int end = x.PositionsEnd ?? x.FirstPosition + x.Length;
        var (frequencies, scaling) = RopeFrequencies.Of(settings.Rope, settings.HeadDim, settings.MaxPositions, end);
        var context = Context(x, RotaryTable.Make(Positions(x), frequencies, scaling));
        for (int i = 0; i < settings.Layers; i++)
        {
            Report(session, i, hidden);
            hidden = attention[i].Call(new LayerInput(hidden, context));
            hidden = feedForward[i].Call(new LayerInput(hidden, context));
        }
        hidden = norm.Call(hidden);
        Report(session, settings.Layers, hidden);
        x.Cache?.Advance(x.Length + x.NewPrefix);
        return hidden;
    }
}

/// <summary>Rotary self-attention with grouped key/value heads.</summary>
internal sealed class LlamaAttention : Module<LayerInput, Tensor>
{
    private readonly LlamaSettings settings;
    private readonly int layer;
    private readonly Linear q, k, v, o;

    public LlamaAttention(string path, LlamaSettings settings, int layer)
        : base(path)
    {
        (this.settings, this.layer) = (settings, layer);
        int width = settings.Heads * settings.HeadDim, shared = settings.KeyValueHeads * settings.HeadDim;
        q = Child(new Linear($"{path}.q_proj", settings.Hidden, width, settings.QkvBias));
        k = Child(new Linear($"{path}.k_proj", settings.Hidden, shared, settings.QkvBias));
        v = Child(new Linear($"{path}.v_proj", settings.Hidden, shared, settings.QkvBias));
        o = Child(new Linear($"{path}.o_proj", width, settings.Hidden, settings.OutputBias));
    }

    public override Tensor Forward(in LayerInput x)
    {
        var s = settings;
        int batch = x.Hidden.Shape[0], length = x.Hidden.Shape[1];
        var (q3, k3, v3) = Linears.Apply(x.Hidden, q, k, v);
        var rotary = x.Context.Rotary!.Value;
        var qh = RotaryOp.Apply(Reshape.Apply(q3, new Shape(batch, length, s.Heads, s.HeadDim)), rotary);
        var kh = RotaryOp.Apply(Reshape.Apply(k3, new Shape(batch, length, s.KeyValueHeads, s.HeadDim)), rotary);
        var vh = Reshape.Apply(v3, new Shape(batch, length, s.KeyValueHeads, s.HeadDim));
        int window = s.Windows[layer];
        var options = new AttentionOptions(1 / Math.Sqrt(s.HeadDim), Causality.BottomRight, window > 0 ? window - 1 : -1);
        return o.Call(AttendedHeads.Apply(qh, kh, vh, options, x.Context, layer));
    }
}

/// <summary>down(act(gate(x))·up(x)).</summary>
internal sealed class LlamaMlp : Module<LayerInput, Tensor>
{
    private readonly string activation;
    private readonly Linear gate, up, down;

    public LlamaMlp(string path, LlamaSettings settings)
        : base(path)
    {
        activation = settings.Activation;
        Activations.Check(activation);
        gate = Child(new Linear($"{path}.gate_proj", settings.Hidden, settings.Intermediate, settings.MlpBias));
        up = Child(new Linear($"{path}.up_proj", settings.Hidden, settings.Intermediate, settings.MlpBias));
        down = Child(new Linear($"{path}.down_proj", settings.Intermediate, settings.Hidden, settings.MlpBias));
    }

    public override Tensor Forward(in LayerInput x)
    {
        var (g, u) = Linears.Apply(x.Hidden, gate, up);
        var inner = activation is "silu" or "swish" ? GatedProduct.Apply<SwiGlu>(g, u) : Binary.Apply<Mul>(Activations.Apply(activation, g), u);
        return down.Call(inner);
    }
}
