using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Kernels.Elementwise;
using KernelTune.Modules;

namespace KernelTune.Models;

/// <summary>
/// GPT-2 (Radford et al., 2019): a pre-norm decoder with learned positions; its linear layers are Conv1D, whose weights are stored [in, out]. Dropout on embeddings and residual
/// branches follows the configuration in training mode; on attention weights there is none.
/// </summary>
public sealed class Gpt2 : CausalLanguageModel
{
    private readonly Embedding positions;
    private readonly Sublayer[] attention;
    private readonly Sublayer[] feedForward;
    private readonly LayerNorm norm;
    private readonly double embeddingDropout;

    /// <exception cref="CheckpointException">A setting is missing, of the wrong type, or does not fit with another.</exception>
    public Gpt2(JsonSettings config, string architecture)
        : base(config, architecture)
    {
        int width = config.Int(Key(config, "n_embd", "hidden_size")), heads = config.Int(Key(config, "n_head", "num_attention_heads"));
        int layers = config.Int(Key(config, "n_layer", "num_hidden_layers"));
        if (config.Bool("add_cross_attention", false))
            throw config.Bad("add_cross_attention", "true was found: a decoder with cross-attention is not built");
        if (width % heads != 0)
            throw config.Bad("n_embd", $"{width} is not a multiple of n_head {heads}");
        int inner = config.IntOrNull("n_inner") ?? 4 * width;
        double eps = config.Double("layer_norm_epsilon", 1e-5);
        string activation = config.StringOrNull("activation_function") ?? "gelu_new";
        Activations.Check(activation);
        (HiddenSize, Heads, Layers, VocabularySize, MaxPositions) = (width, heads, layers, config.Int("vocab_size"), config.Int(Key(config, "n_positions", "max_position_embeddings"), 1024));
        embeddingDropout = config.Double("embd_pdrop", 0.1);
        TokenTable = Child(new Embedding("transformer.wte", VocabularySize, width));
        positions = Child(new Embedding("transformer.wpe", MaxPositions, width));
        attention = new Sublayer[layers];
        feedForward = new Sublayer[layers];
        for (int i = 0; i < layers; i++)
        {
            string layer = $"transformer.h.{i}";
            attention[i] = Child(new Sublayer(layer, i, SublayerKind.Attention, new LayerNorm($"{layer}.ln_1", width, eps), new Gpt2Attention($"{layer}.attn", config, width, heads, i)));
            feedForward[i] = Child(new Sublayer(layer, i, SublayerKind.FeedForward, new LayerNorm($"{layer}.ln_2", width, eps), new Gpt2Mlp($"{layer}.mlp", config, width, inner, activation)));
        }
        norm = Child(new LayerNorm("transformer.ln_f", width, eps));
        Head = Child(new Linear("lm_head", width, VocabularySize, tied: config.Bool("tie_word_embeddings", true) ? TokenTable.Weight : null, isOutputHead: true));
    }

    public override int VocabularySize { get; }

    public override int Layers { get; }

    public override int HiddenSize { get; }

    public override int KeyValueHeads => Heads;

    public override int HeadDim => HiddenSize / Heads;

    public override int Heads { get; }

    public override int MaxPositions { get; }

    public override Linear Head { get; }

    public override Embedding TokenTable { get; }

    public override IEnumerable<string> CheckpointKeys(Parameter parameter)
    {
        foreach (string key in base.CheckpointKeys(parameter))
        {
            yield return key;
            if (key.StartsWith("transformer.", StringComparison.Ordinal))
                yield return key["transformer.".Length..];
        }
    }

    public override bool IsKnownBuffer(string key) => key.EndsWith(".attn.bias", StringComparison.Ordinal) || key.EndsWith(".attn.masked_bias", StringComparison.Ordinal);

    // The library takes the general names for GPT-2's own.
    private static string Key(JsonSettings config, string own, string general) => config.Has(own) || !config.Has(general) ? own : general;

    public override Tensor Forward(in TokenInput x)
    {
        var session = x.Session;
        var tokens = TokenTable.Call(x.Ids);
        var hidden = Binary.Apply<Add>(x.Prompt is { } prompt ? SoftPrompt.Before(prompt, tokens) : tokens, positions.Call(Positions(x)));
        if (x.TokenTypes is { } types)
            hidden = Binary.Apply<Add>(hidden, TokenTable.Call(types));
        hidden = Dropout.Apply(hidden, embeddingDropout, "embeddings");
        var context = Context(x, null);
        for (int i = 0; i < Layers; i++)
        {
            Report(session, i, hidden);
            hidden = attention[i].Call(new LayerInput(hidden, context));
            hidden = feedForward[i].Call(new LayerInput(hidden, context));
        }
        hidden = norm.Call(hidden);
        Report(session, Layers, hidden);
        x.Cache?.Advance(x.Length + x.NewPrefix);
        return hidden;
    }
}

/// <summary>Self-attention with one fused projection.</summary>
internal sealed class Gpt2Attention : Module<LayerInput, Tensor>
{
    private readonly Linear fused, output;
    private readonly double scale, dropout;
    private readonly int width, heads, layer;

    public Gpt2Attention(string path, JsonSettings config, int width, int heads, int layer)
        : base(path)
    {
        (this.width, this.heads, this.layer) = (width, heads, layer);
        scale = config.Bool("scale_attn_weights", true) ? 1 / Math.Sqrt((double)width / heads) : 1;
        if (config.Bool("scale_attn_by_inverse_layer_idx", false))
            scale /= layer + 1;
        dropout = config.Double("resid_pdrop", 0.1);
        fused = Child(new Linear($"{path}.c_attn", width, 3 * width, bias: true, conv1D: true));
        output = Child(new Linear($"{path}.c_proj", width, width, bias: true, conv1D: true));
    }

    public override Tensor Forward(in LayerInput x)
    {
        int batch = x.Hidden.Shape[0], length = x.Hidden.Shape[1];
        var pieces = Split.Apply(fused.Call(x.Hidden), width, width, width);
        var shape = new Shape(batch, length, heads, width / heads);
        var y = AttendedHeads.Apply(Reshape.Apply(pieces[0], shape), Reshape.Apply(pieces[1], shape), Reshape.Apply(pieces[2], shape),
            new AttentionOptions(scale, Causality.BottomRight), x.Context, layer);
        return Dropout.Apply(output.Call(y), dropout, "residual");
    }
}

/// <summary>Two projections with an activation between.</summary>
internal sealed class Gpt2Mlp : Module<LayerInput, Tensor>
{
    private readonly Linear up, down;
    private readonly string activation;
    private readonly double dropout;

    public Gpt2Mlp(string path, JsonSettings config, int width, int inner, string activation)
        : base(path)
    {
        this.activation = activation;
        dropout = config.Double("resid_pdrop", 0.1);
        up = Child(new Linear($"{path}.c_fc", width, inner, bias: true, conv1D: true));
        down = Child(new Linear($"{path}.c_proj", inner, width, bias: true, conv1D: true));
    }

    public override Tensor Forward(in LayerInput x) => Dropout.Apply(down.Call(Activations.Apply(activation, up.Call(x.Hidden))), dropout, "residual");
}
