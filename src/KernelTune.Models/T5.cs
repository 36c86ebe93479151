using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Checkpoints;
using KernelTune.Kernels.Elementwise;
using KernelTune.Modules;

namespace KernelTune.Models;

/// <summary>
/// T5 (Raffel et al., 2020), its versions 1.0 and 1.1, Flan-T5 and mT5: pre-norm encoder and decoder with root-mean-square norms, no biases, unscaled attention, and one learned bias
/// a head and bucket of relative positions, shared by the layers of a stack.
/// </summary>
public sealed class T5 : EncoderDecoder
{
    private readonly T5Settings settings;
    private readonly T5Stack encoder, decoder;

    /// <exception cref="CheckpointException">A setting is missing, of the wrong type, or does not fit with another.</exception>
    public T5(JsonSettings config, string architecture)
        : base(config, architecture)
    {
        settings = T5Settings.Read(config);
        TokenTable = Child(new Embedding("shared", settings.Vocabulary, settings.Width));
        encoder = Child(new T5Stack("encoder", settings, TokenTable, isDecoder: false));
        decoder = Child(new T5Stack("decoder", settings, TokenTable, isDecoder: true));
        Head = Child(new Linear("lm_head", settings.Width, settings.Vocabulary, tied: settings.Tied ? TokenTable.Weight : null, isOutputHead: true));
    }

    public override Module<TokenInput, Tensor> Encoder => encoder;

    public override int EncoderLayers => settings.EncoderLayers;

    public override bool ProjectsSource(Linear linear) =>
        linear.Path.EndsWith(".EncDecAttention.k", StringComparison.Ordinal) || linear.Path.EndsWith(".EncDecAttention.v", StringComparison.Ordinal);

    public override int VocabularySize => settings.Vocabulary;

    /// <summary>Layers of the decoder.</summary>
    public override int Layers => settings.DecoderLayers;

    public override int HiddenSize => settings.Width;

    public override int KeyValueHeads => settings.Heads;

    public override int HeadDim => settings.HeadDim;

    public override int Heads => settings.Heads;

    /// <summary>Relative positions have no end.</summary>
    public override int MaxPositions => int.MaxValue / 2;

    public override Linear Head { get; }

    public override Embedding TokenTable { get; }

    public override IEnumerable<string> CheckpointKeys(Parameter parameter)
    {
        yield return parameter.Path;
        if (!ReferenceEquals(parameter, TokenTable.Weight))
            yield break;
        foreach (var (_, twin) in Twins)
            yield return twin;
    }

    public override IEnumerable<(Parameter Parameter, string Twin)> Twins =>
    [
        (TokenTable.Weight, "encoder.embed_tokens.weight"), (TokenTable.Weight, "decoder.embed_tokens.weight"), .. base.Twins,
    ];

    // The first files of T5 hold a table that no model has used.
    public override bool IsKnownBuffer(string key) => key == "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight";

    /// <summary>As Transformers draws them: each matrix so that what it gives has deviation 1.</summary>
    public override FreshWeight Fresh(Parameter parameter)
    {
        double factor = Config.Double("initializer_factor", 1), width = settings.Width;
        string name = parameter.Path[..^".weight".Length];
        return name[(name.LastIndexOf('.') + 1)..] switch
        {
            "layer_norm" or "final_layer_norm" => FreshWeight.Of(factor),
            "shared" or "lm_head" => FreshWeight.Normal(factor),
            "q" => FreshWeight.Normal(factor / Math.Sqrt(width * settings.HeadDim)),
            "o" => FreshWeight.Normal(factor / Math.Sqrt(settings.Heads * settings.HeadDim)),
            "wo" => FreshWeight.Normal(factor / Math.Sqrt(settings.Inner)),
            _ => FreshWeight.Normal(factor / Math.Sqrt(width)),
        };
    }

    public override Tensor Forward(in TokenInput x)
    {
        var hidden = decoder.Call(x);
        x.Cache?.Advance(x.Length + x.NewPrefix);
        return settings.ScalesOutputs ? Unary.Apply<Scale, ScaleParams>(hidden, new ScaleParams(1 / Math.Sqrt(settings.Width))) : hidden;
    }
}

/// <summary>The encoder or the decoder: tokens to hidden states [B, T, C] after the last norm.</summary>
internal sealed class T5Stack : Module<TokenInput, Tensor>
{
    private readonly T5Settings settings;
    private readonly Embedding table;
    private readonly Sublayer[][] blocks;
    private readonly T5Attention first;
    private readonly RmsNorm norm;

    public T5Stack(string path, T5Settings settings, Embedding table, bool isDecoder)
        : base(path)
    {
        (this.settings, this.table) = (settings, table);
        var attentions = new List<T5Attention>();
        blocks = new Sublayer[isDecoder ? settings.DecoderLayers : settings.EncoderLayers][];
        for (int i = 0; i < blocks.Length; i++)
        {
            string block = $"{path}.block.{i}";
            attentions.Add(new T5Attention($"{block}.layer.0.SelfAttention", settings, i, path, isDecoder));
            var sublayers = new List<Sublayer> { Part(block, i, 0, SublayerKind.Attention, attentions[^1]) };
            if (isDecoder)
                sublayers.Add(Part(block, i, 1, SublayerKind.CrossAttention, new T5CrossAttention($"{block}.layer.1.EncDecAttention", settings, i)));
            int last = sublayers.Count;
            sublayers.Add(Part(block, i, last, SublayerKind.FeedForward, new T5FeedForward($"{block}.layer.{last}.DenseReluDense", settings)));
            blocks[i] = [.. sublayers];
        }
        first = attentions[0];
        norm = Child(new RmsNorm($"{path}.final_layer_norm", settings.Width, settings.NormEps));
    }

    public override Tensor Forward(in TokenInput x)
    {
        var session = x.Session;
        var tokens = table.Call(x.Ids);
        var hidden = Dropout.Apply(x.Prompt is { } prompt ? SoftPrompt.Before(prompt, tokens) : tokens, settings.Dropout, "embeddings");
        var bias = first.PositionBias(session, x.Length, x.FirstPosition + x.Length);
        var context = new SequenceContext(new AttentionExtras(KeyMask: x.KeyMask, Bias: bias), null, x.Cache, x.Prefix, x.Source);
        for (int i = 0; i < blocks.Length; i++)
        {
            session.Observer?.Observe("", $"{Path}_hidden_states.{i}", hidden);
            foreach (var sublayer in blocks[i])
                hidden = sublayer.Call(new LayerInput(hidden, context));
        }
        hidden = Dropout.Apply(norm.Call(hidden), settings.Dropout, "output");
        session.Observer?.Observe("", $"{Path}_hidden_states.{blocks.Length}", hidden);
        return hidden;
    }

    private Sublayer Part(string block, int index, int number, SublayerKind kind, Module<LayerInput, Tensor> body)
    {
        string path = $"{block}.layer.{number}";
        return Child(new Sublayer(block, index, kind, new RmsNorm($"{path}.layer_norm", settings.Width, settings.NormEps), body, path));
    }
}
