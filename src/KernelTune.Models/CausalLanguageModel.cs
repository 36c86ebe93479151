using KernelTune.Autograd;
using KernelTune.Autograd.Ops;
using KernelTune.Checkpoints;
using KernelTune.Devices;
using KernelTune.Devices.Calls;
using KernelTune.Modules;

namespace KernelTune.Models;

/// <summary>
/// A decoder with a head over its vocabulary. Calling it gives the hidden states [B, T, C] after the last norm; <see cref="Logits"/> and <see cref="Loss"/> go on from there.
/// </summary>
public abstract class CausalLanguageModel(JsonSettings config, string architecture) : Module<TokenInput, Tensor>(""), IPretrainedModel, IDecoder
{
    public Module Root => this;

    private HashSet<Parameter>? norms;

    /// <summary>The configuration it was built from.</summary>
    public JsonSettings Config { get; } = config;

    /// <summary>"LlamaForCausalLM" …</summary>
    public string Architecture { get; } = architecture;

    /// <summary>config.json's model_type.</summary>
    public string ModelType { get; } = config.String("model_type");

    public abstract int VocabularySize { get; }

    public abstract int Layers { get; }

    /// <summary>Channels of the hidden states.</summary>
    public abstract int HiddenSize { get; }

    public abstract int KeyValueHeads { get; }

    public abstract int HeadDim { get; }

    /// <summary>Query heads.</summary>
    public abstract int Heads { get; }

    /// <summary>The longest sequence that it was made for.</summary>
    public abstract int MaxPositions { get; }

    /// <summary>The head: logits = hidden·Wᵀ.</summary>
    public abstract Linear Head { get; }

    /// <summary>The token table.</summary>
    public abstract Embedding TokenTable { get; }

    /// <summary>Positions that a method has put in front of every sequence: the hidden states (soft prompts) or the keys (prefixes) are longer by so many.</summary>
    public int VirtualTokens => (Occupant as IVirtualTokens)?.Count ?? 0;

    /// <summary>True where the first token of a row is predicted too, by the last of the virtual ones.</summary>
    public bool PredictsFirstToken => Occupant is IVirtualTokens { HaveHiddenStates: true };

    /// <summary>True where head and token table are one parameter.</summary>
    public bool IsTied => ReferenceEquals(Head.Weight, TokenTable.Weight);

    /// <summary>Names under which a checkpoint may hold a parameter, the usual one first.</summary>
    public virtual IEnumerable<string> CheckpointKeys(Parameter parameter)
    {
        yield return parameter.Path;
        if (IsTied && ReferenceEquals(parameter, Head.Weight))
            yield return $"{Head.Path}.weight";
    }

    /// <summary>Names in a checkpoint that are no weights of the model: buffers that older versions saved.</summary>
    public virtual bool IsKnownBuffer(string key) => false;

    public virtual IEnumerable<(Parameter Parameter, string Twin)> Twins => IsTied ? [(Head.Weight, $"{Head.Path}.weight")] : [];

    public string? ExplainShape(Parameter parameter, IReadOnlyList<long> found) => ReferenceEquals(parameter, TokenTable.Weight) && found is [var rows, _] && rows != VocabularySize
        ? $"it has {rows} rows where config.json's vocab_size is {VocabularySize}"
        : null;

    /// <summary>As Transformers does: matrices from a normal distribution of initializer_range, norms 1, biases 0.</summary>
    public virtual FreshWeight Fresh(Parameter parameter)
    {
        norms ??= Tree().Where(m => m is RmsNorm or LayerNorm).SelectMany(m => m.OwnParameters).ToHashSet();
        if (parameter.Path.EndsWith(".bias", StringComparison.Ordinal))
            return FreshWeight.Of(0);
        return norms.Contains(parameter) ? FreshWeight.Of(1) : FreshWeight.Normal(Config.Double("initializer_range", 0.02));
    }

    /// <summary>Room for keys and values of <paramref name="batch"/> rows of at most <paramref name="capacity"/> tokens.</summary>
    public KvCache NewCache(Device device, int batch, int capacity) => new(device, Layers, batch, capacity, KeyValueHeads, HeadDim);

    /// <summary>Logits [..., V] of hidden states [..., C].</summary>
    public Tensor Logits(Tensor hidden) => Head.Call(hidden);

    /// <summary>
    /// Mean cross-entropy over the labels that are not −100: a tensor of one element. Only where an observer asks for logits, or something occupies the head, are they formed whole.
    /// </summary>
    /// <param name="x">The tokens [B, T].</param>
    /// <param name="targets">I64 [B, T]: the label that each position must predict, so already shifted by one. Virtual positions in front predict nothing but, the last of them, <see cref="TokenInput.FirstLabels"/>.</param>
    /// <param name="inverseCount">[1]: 1 / the number of labels to divide by; absent: counted here.</param>
    public Tensor Loss(TokenInput x, Tensor targets, Tensor? inverseCount = null)
    {
        var hidden = Call(x);
        int rows = hidden.Shape[0] * hidden.Shape[1];
        var labels = Reshape.Apply(SoftPrompt.Targets(targets, x.FirstLabels, hidden.Shape[1]), new Shape(rows));
        var options = CrossEntropyOptions.Plain;
        if (x.Session.Observer is not { WantsLogits: true } && Head.Occupant is null && Head.Bias is null)
            return LinearCrossEntropyOp.Apply(Reshape.Apply(hidden, new Shape(rows, HiddenSize)), Head.Weight, labels, options, inverseCount);
        var logits = Logits(hidden);
        x.Session.Observer?.Observe("", "logits", logits);
        return CrossEntropyOp.Apply(Reshape.Apply(logits, new Shape(rows, VocabularySize)), labels, options, inverseCount: inverseCount);
    }

    /// <summary>Weights that a forward pass multiplies with, once a token: all matrices, the head's, not the look-up. What model FLOPs count.</summary>
    public long MultipliedWeights
    {
        get
        {
            long sum = 0;
            foreach (var module in Tree())
            {
                if (module is Linear linear)
                    sum += (long)linear.InFeatures * linear.OutFeatures;
            }
            return sum;
        }
    }

    /// <summary>The context that the layers share: masks, packed boundaries, the cache, rotary tables.</summary>
    protected static SequenceContext Context(TokenInput x, RotaryTable? rotary) =>
        new(new AttentionExtras(KeyMask: x.KeyMask, CuSeqlensQ: x.CuSeqlens, CuSeqlensK: x.CuSeqlens), rotary, x.Cache, x.Prefix);

    /// <summary>The positions given, or 0, 1, 2 … behind what the cache holds, as [1, T].</summary>
    protected static Tensor Positions(TokenInput x)
    {
        if (x.Positions is { } given)
            return given;
        int length = x.Length;
        var positions = x.Session.New(new Shape(1, length), KernelTune.Kernels.Numerics.DType.I64, Devices.Memory.Category.Batches);
        x.Session.Device.Run(new RampCall(positions.View.Reshape(new Shape(length)), x.FirstPosition, 1));
        return positions;
    }

    /// <summary>Shows hidden states to an observer.</summary>
    protected static void Report(Session session, int number, Tensor hidden) => session.Observer?.Observe("", $"hidden_states.{number}", hidden);
}

/// <summary>A configuration that cannot be built: what is wrong with it, and where.</summary>
public sealed class ModelException(string file, string message) : Exception($"{file}: {message}")
{
    /// <summary>The configuration's file.</summary>
    public string File { get; } = file;
}
